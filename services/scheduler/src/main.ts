import { connectBus, denialsTo, readConfig, runService, tameCollector } from '@slackline/shared';
import { schedulerConfig } from './config.js';
import { rehearseDecisions } from './rehearsal.js';
import { startScheduler } from './scheduler.js';

tameCollector();
runService('scheduler', async (log) => {
  const config = readConfig(schedulerConfig, process.env);
  try {
    rehearseDecisions(config.POLICY);
  } catch (error) {
    // Nobody needs it to serve.
    log.warn({ err: error }, 'decisions could not be rehearsed');
  }
  const bus = await connectBus({ url: config.NATS_URL, name: 'scheduler', onDenied: denialsTo(log) });
  return startScheduler(config, { bus, log });
});
