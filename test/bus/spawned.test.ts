import { startNatsServer } from '@slackline/local';
import { describeBus } from './conformance/conformance.js';

describeBus('a spawned nats-server', async () => {
  const server = await startNatsServer();
  return { url: server.url, stop: () => server.close() };
});
