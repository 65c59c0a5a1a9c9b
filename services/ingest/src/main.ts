/** Runs an ingest as a process. */
import { collectSeldom, connectBus, denialsTo, readConfig, runService, systemClock } from '@slackline/shared';
import { ingestConfig } from './config.js';
import { startIngest } from './ingest.js';

collectSeldom();
runService('ingest', async (log) => {
  const config = readConfig(ingestConfig, process.env);
  const bus = await connectBus({ url: config.NATS_URL, name: 'ingest', onDenied: denialsTo(log) });
  return startIngest(config, { bus, clock: systemClock, log });
});
