/** The scheduler service: stands for leadership, and runs a term while it leads. */
import { randomUUID } from 'node:crypto';
import type { LatencyTable } from '@slackline/scheduling';
import {
  BrokerTime,
  type Bus,
  type Clock,
  ensureStreams,
  type Log,
  pack,
  type RunningService,
  type SchedulerTelemetry,
  SlacklineError,
  Subjects,
  type Subscription,
  systemClock,
  watchModels,
} from '@slackline/shared';
import type { SchedulerConfig } from './config.js';
import { watchLatencyTables } from './latency-tables.js';
import { Leadership } from './leadership.js';
import { warnOfMissingSubnet } from './missing-subnet.js';
import { Tally } from './tally.js';
import { Term } from './term.js';

const telemetryMs = 1_000;
const clockReadingMs = 1_000;

export interface SchedulerParts {
  bus: Bus;
  log: Log;
  clock?: Clock;
}

/** Starts a scheduler; it closes the bus when it stops. */
export async function startScheduler(config: SchedulerConfig, parts: SchedulerParts): Promise<RunningService> {
  const scheduler = new Scheduler(config, parts.bus, parts.log, parts.clock ?? systemClock);
  await scheduler.start();
  return scheduler;
}

class Scheduler implements RunningService {
  readonly failed: Promise<Error>;
  readonly #subjects: Subjects;
  readonly #brokerTime: BrokerTime;
  readonly #leadership: Leadership;
  readonly #tables = new Map<string, { model: string; deviceClass: string; table: LatencyTable; version?: string }>();
  /** Models that were taken away and have not come back. */
  readonly #removed = new Set<string>();
  readonly #tally = new Tally();
  #watches: Subscription[] = [];
  #term: Term | undefined;
  #beat: NodeJS.Timeout | undefined;
  #fail: (error: Error) => void = () => {};
  #stopping = false;

  constructor(
    private readonly config: SchedulerConfig,
    private readonly bus: Bus,
    private readonly log: Log,
    private readonly clock: Clock,
  ) {
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#subjects = new Subjects(config.SUBJECT_PREFIX);
    this.#brokerTime = new BrokerTime(bus, this.#subjects, clock, log, {
      everyMs: clockReadingMs,
      onFailure: () => ensureStreams(bus, this.#subjects, config),
    });
    const { leader } = this.#subjects.stores;
    this.#leadership = new Leadership(
      {
        // Kept like the queries: a broker that remembers them also remembers who led.
        open: () => bus.keys(leader, { storage: config.STORAGE, replicas: config.REPLICAS }),
        id: randomUUID(),
        leaseMs: config.LEASE_MS,
        clock,
        brokerNowMs: () => this.#brokerTime.nowMs(),
        log,
      },
      { onLead: (token) => this.#lead(token), onLost: (reason) => this.#lose(reason) },
    );
  }

  async start(): Promise<void> {
    const { bus, config, log } = this;
    const { stores } = this.#subjects;
    await ensureStreams(bus, this.#subjects, config);
    const profiles = await bus.keys(stores.profiles, { storage: config.STORAGE, replicas: config.REPLICAS });
    await bus.announce({
      name: 'slackline-scheduler',
      version: '0.1.0',
      description: 'Earliest deadline first, subnet by slack',
    });
    await this.#brokerTime.start();
    this.#watches = [
      await watchLatencyTables(profiles, config.PLAN_PERCENTILE, log, (model, deviceClass, table, version) => {
        const key = `${model}.${deviceClass}`;
        if (table !== undefined) warnOfMissingSubnet(config.POLICY, model, table, log);
        if (table === undefined) this.#tables.delete(key);
        else this.#tables.set(key, { model, deviceClass, table, ...(version !== undefined && { version }) });
        this.#term?.setTable(model, deviceClass, table, version);
      }),
      await watchModels(profiles, {
        onServed: ({ name }) => {
          this.#removed.delete(name);
        },
        onGone: (name) => {
          this.#removed.add(name);
          this.#term?.failRemoved();
        },
        onBroken: (name, reason) => log.warn({ model: name, reason }, 'this catalog entry cannot be read'),
      }),
    ];
    bus.onStatus((status) => {
      // What was published last may never have left, acks included. A new term gets all that is un-acked once more.
      if (status === 'disconnected') this.#leadership.resign('the connection to the broker was lost');
      if (status === 'closed' && !this.#stopping) {
        this.#fail(new SlacklineError('nats_unreachable', 'The connection to NATS was closed for good'));
      }
    });
    await this.#leadership.start();
    this.#beat = setInterval(() => this.#tell(), telemetryMs);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#beat);
    await this.#term?.drain(this.config.DRAIN_MS);
    await this.#term?.stop();
    await this.#leadership.stop();
    await Promise.all(this.#watches.map((watch) => watch.drain()));
    await this.#brokerTime.stop();
    await this.bus.close();
  }

  #lead(token: number): void {
    this.log.info({ token }, 'leading');
    const term = new Term(token, {
      bus: this.bus,
      subjects: this.#subjects,
      clock: this.clock,
      brokerTime: this.#brokerTime,
      log: this.log,
      config: this.config,
      tally: this.#tally,
      removed: this.#removed,
      isCurrent: () => this.#leadership.check(),
      resign: (reason) => this.#leadership.resign(reason),
    });
    this.#term = term;
    for (const { model, deviceClass, table, version } of this.#tables.values()) {
      term.setTable(model, deviceClass, table, version);
    }
    term.start().catch((error) => {
      if (this.#term !== term) return;
      this.log.warn({ err: error }, 'the term could not begin');
      this.#leadership.resign('the term could not begin');
    });
  }

  #lose(reason: string): void {
    this.log.warn({ reason }, 'leading no more');
    this.#term?.stop().catch((error) => this.log.warn({ err: error }, 'the term did not end cleanly'));
    this.#term = undefined;
  }

  #tell(): void {
    if (this.#term === undefined) return;
    this.#term.refreshConditions();
    this.bus.publish(this.#subjects.telemetry('scheduler'), pack(summary(this.#term, this.#tally)));
  }
}

function summary(term: Term, tally: Tally): SchedulerTelemetry {
  return {
    v: 1,
    queued: term.queued,
    inFlight: term.inFlight,
    workers: term.workers,
    workersLost: tally.workersLost,
    outcomes: tally.outcomes,
    subnets: tally.subnets,
    meanBatch: tally.takeMeanBatch(),
  };
}
