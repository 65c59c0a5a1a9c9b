/** Runs an ingest as a process. */
import { connectBus, denialsTo, giveWay, readConfig, runService, systemClock, tameCollector } from '@slackline/shared';
import { ingestConfig } from './config.js';
import { startIngest } from './ingest.js';

tameCollector();
giveWay();
runService('ingest', async (log) => {
  const config = readConfig(ingestConfig, process.env);
  const bus = await connectBus({ url: config.NATS_URL, name: 'ingest', onDenied: denialsTo(log) });
  return startIngest(config, { bus, clock: systemClock, log });
});
