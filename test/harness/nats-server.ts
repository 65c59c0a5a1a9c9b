/**
 * A real nats-server for a test file: on a port of its own, JetStream in a temporary folder, gone when the file is
 * done.
 */
import { type NatsServer, type NatsServerOptions, startNatsServer } from '@slackline/local';
import { afterAll, beforeAll } from 'vitest';

/**
 * Call at the top of a file or a `describe`; the server is there from `beforeAll` on.
 *
 * ```ts
 * const nats = withNatsServer();
 * it('…', async () => connectBus({ url: nats.url, name: 'test' }));
 * ```
 */
export function withNatsServer(options: NatsServerOptions = {}): {
  readonly url: string;
  readonly server: NatsServer;
} {
  let server: NatsServer | undefined;
  beforeAll(async () => {
    server = await startNatsServer(options);
  });
  afterAll(async () => {
    await server?.close();
  });
  const running = () => {
    if (server === undefined) throw new Error('the nats-server is there only while tests run');
    return server;
  };
  return {
    get url() {
      return running().url;
    },
    get server() {
      return running();
    },
  };
}
