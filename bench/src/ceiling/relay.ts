/** Runs one of the relays as a process. Usage: node relay.js ingest|scheduler|worker, with NATS_URL; CLAIMS=1: bodies are claimed. */
import { type Bus, commonConfig, connectBus, readConfig, runService, tameCollector } from '@slackline/shared';
import { z } from 'zod';
import { type Relay, type RelayOptions, relayIngest, relayScheduler, relayWorkers } from './relays.js';

const relays: Readonly<Record<string, (bus: Bus, options: RelayOptions) => Promise<Relay>>> = {
  ingest: relayIngest,
  scheduler: relayScheduler,
  worker: relayWorkers,
};

const role = process.argv[2] ?? '';

tameCollector();
runService(role, async () => {
  const start = relays[role];
  if (start === undefined) throw new Error(`there is no relay ${role}`);
  const config = readConfig(commonConfig.extend({ CLAIMS: z.enum(['0', '1']).default('0') }), process.env);
  const bus = await connectBus({ url: config.NATS_URL, name: role });
  const relay = await start(bus, { claims: config.CLAIMS === '1' });
  return {
    async stop() {
      await relay.stop();
      await bus.close();
    },
  };
});
