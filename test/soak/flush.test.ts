/** A broker that dies under a flush: the caller gets an error of ours, not the client library's. */
import { startNatsServer } from '@slackline/local';
import { connectBus } from '@slackline/shared';
import { expect, it } from 'vitest';

it('tells in our own words that the connection broke before the broker had taken everything', async () => {
  const server = await startNatsServer();
  const bus = await connectBus({ url: server.url, name: 'flush' });
  try {
    server.signal('SIGSTOP');
    const flushed = bus.flush();
    await Promise.all([expect(flushed).rejects.toMatchObject({ code: 'bus_failed' }), server.kill()]);
  } finally {
    await server.restart();
    await bus.close();
    await server.close();
  }
});
