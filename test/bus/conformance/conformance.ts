/** What any adapter behind the Bus must do. Run against every broker that can be had: spawned, in a container. */
import { type Bus, connectBus } from '@slackline/shared';
import { afterAll, beforeAll, describe } from 'vitest';
import { messageCases } from './messages.js';
import { storeCases } from './stores.js';
import { streamCases } from './streams.js';

export function describeBus(name: string, start: () => Promise<{ url: string; stop(): Promise<void> }>): void {
  describe(`the bus on ${name}`, () => {
    let server: { url: string; stop(): Promise<void> };
    let bus: Bus;
    let unique = 0;
    const under = {
      get bus() {
        return bus;
      },
      get url() {
        return server.url;
      },
      fresh: (what: string) => `${what}${++unique}`,
    };

    beforeAll(async () => {
      server = await start();
      bus = await connectBus({ url: server.url, name: 'conformance' });
    });
    afterAll(async () => {
      await bus?.close();
      await server?.stop();
    });

    messageCases(under);
    streamCases(under);
    storeCases(under);
  });
}
