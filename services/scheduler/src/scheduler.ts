/** The scheduler service: stands for leadership, and runs a term while it leads. */
import { randomUUID } from 'node:crypto';
import type { LatencyTable } from '@slackline/scheduling';
import {
  BrokerClock,
  type Bus,
  type Clock,
  ensureStreams,
  type Log,
  pack,
  type RunningService,
  type SchedulerTelemetry,
  Subjects,
  systemClock,
} from '@slackline/shared';
import type { SchedulerConfig } from './config.js';
import { watchLatencyTables } from './latency-tables.js';
import { Leadership } from './leadership.js';
import { Term } from './term.js';

const telemetryMs = 1_000;
/** The broker's clock is read quickly at first, then about once a second. */
const firstClockReadings = 5;

export interface SchedulerParts {
  bus: Bus;
  log: Log;
  clock?: Clock;
}

/** Starts a scheduler; it closes the bus when it stops. */
export async function startScheduler(config: SchedulerConfig, parts: SchedulerParts): Promise<RunningService> {
  const { bus, log, clock = systemClock } = parts;
  const subjects = new Subjects(config.SUBJECT_PREFIX);
  const { stores } = subjects;
  const id = randomUUID();
  const bucket = { storage: config.STORAGE, replicas: config.REPLICAS } as const;
  await ensureStreams(bus, subjects, config);
  const profiles = await bus.keys(stores.profiles, bucket);
  const leases = await bus.keys(stores.leader, { ...bucket, storage: 'memory' });
  await bus.announce({ name: 'scheduler', version: '0.1.0', description: 'Earliest deadline first, subnet by slack' });

  const brokerClock = new BrokerClock(() => clock.now());
  const readClock = async () => brokerClock.add(await bus.readClock(stores.clock, subjects.clock));
  for (let i = 0; i < firstClockReadings; i += 1) await readClock();

  const tables = new Map<string, { model: string; deviceClass: string; table: LatencyTable }>();
  let term: Term | undefined;
  const tableWatch = await watchLatencyTables(profiles, config.PLAN_PERCENTILE, log, (model, deviceClass, table) => {
    const key = `${model}.${deviceClass}`;
    if (table === undefined) tables.delete(key);
    else tables.set(key, { model, deviceClass, table });
    term?.setTable(model, deviceClass, table);
  });

  let failed: (error: Error) => void = () => {};
  const failure = new Promise<Error>((resolve) => {
    failed = resolve;
  });
  const leadership = new Leadership(leases, id, config.LEASE_MS, clock, log, {
    onLead(token) {
      log.info({ token }, 'leading');
      const begun = new Term(token, {
        bus,
        subjects,
        clock,
        brokerClock,
        log,
        config,
        isCurrent: () => leadership.isCurrent,
      });
      term = begun;
      for (const { model, deviceClass, table } of tables.values()) begun.setTable(model, deviceClass, table);
      begun.start().catch((error) => {
        if (term === begun) failed(error);
      });
    },
    onLost(reason) {
      log.warn({ reason }, 'leading no more');
      term?.stop().catch((error) => log.warn({ err: error }, 'the term did not end cleanly'));
      term = undefined;
    },
  });
  await leadership.start();
  const beat = setInterval(() => {
    readClock().catch((error) => {
      log.warn({ err: error }, 'the broker’s clock could not be read');
      // A broker that was restarted has forgotten the streams that it kept in memory.
      return ensureStreams(bus, subjects, config).catch(() => undefined);
    });
    if (term !== undefined) bus.publish(subjects.telemetry('scheduler'), pack(summary(term)));
  }, telemetryMs);

  return {
    failed: failure,
    async stop() {
      clearInterval(beat);
      await term?.drain(config.DRAIN_MS);
      await term?.stop();
      await leadership.stop();
      await tableWatch.drain();
      await bus.close();
    },
  };
}

function summary(term: Term): SchedulerTelemetry {
  return {
    v: 1,
    queued: term.queued,
    inFlight: term.inFlight,
    workers: term.workers,
    workersLost: term.tally.workersLost,
    outcomes: term.outcomes.counts,
    subnets: term.tally.subnets,
    meanBatch: term.tally.takeMeanBatch(),
  };
}
