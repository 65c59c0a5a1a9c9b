/** The profiler as a process. */
import { connectBus, denialsTo, readConfig, runService, systemClock } from '@slackline/shared';
import { profilerConfig } from './config.js';
import { startProfiler } from './profiler.js';

runService('profiler', async (log) => {
  const config = readConfig(profilerConfig, process.env);
  const bus = await connectBus({ url: config.NATS_URL, name: 'slackline-profiler', onDenied: denialsTo(log) });
  const service = await startProfiler(config, { bus, clock: systemClock, log });
  const failed = new Promise<Error>((resolve) => {
    bus.onStatus((status) => status === 'closed' && resolve(new Error('the connection to NATS was closed')));
  });
  return {
    ...service,
    failed,
    async stop() {
      await service.stop();
      await bus.close();
    },
  };
});
