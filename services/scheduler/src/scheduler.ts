/** The scheduler service: stands for leadership, and runs a term while it leads. */
import { randomUUID } from 'node:crypto';
import { getHeapStatistics } from 'node:v8';
import type { LatencyTable } from '@slackline/scheduling';
import {
  BrokerTime,
  type Bus,
  type Clock,
  Complaints,
  type Log,
  pack,
  processMetadata,
  type RunningService,
  type SchedulerTelemetry,
  SlacklineError,
  StreamKeeper,
  Subjects,
  type Subscription,
  systemClock,
  watchModels,
} from '@slackline/shared';
import type { SchedulerConfig } from './config.js';
import { watchLatencyTables } from './latency-tables.js';
import { Leadership } from './leadership.js';
import { warnOfMissingSubnet } from './missing-subnet.js';
import { Presence } from './presence.js';
import { SaidAnswers } from './said.js';
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
  readonly #id = randomUUID();
  /** Told to whoever started this process; the same id stands in the lease while it leads. */
  readonly ready = { schedulerId: this.#id };
  readonly #subjects: Subjects;
  readonly #streams: StreamKeeper;
  readonly #brokerTime: BrokerTime;
  readonly #leadership: Leadership;
  readonly #presence: Presence;
  readonly #tables = new Map<string, { model: string; deviceClass: string; table: LatencyTable; version?: string }>();
  /** Models that were taken away and have not come back. */
  readonly #removed = new Set<string>();
  readonly #tally = new Tally();
  readonly #said: SaidAnswers;
  readonly #complaints: Complaints;
  #watches: Subscription[] = [];
  #term: Term | undefined;
  /** The term that a loss of the connection has ended, until it is known whether the broker still has what it held. */
  #cutOff: Term | undefined;
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
    this.#complaints = new Complaints(log, clock);
    this.#subjects = new Subjects(config.SUBJECT_PREFIX);
    this.#said = new SaidAnswers(bus, this.#subjects, clock, log);
    this.#streams = new StreamKeeper(bus, this.#subjects, config, log, (lost) => this.#afterCut(lost));
    this.#brokerTime = new BrokerTime(bus, this.#subjects, clock, log, {
      everyMs: clockReadingMs,
      onFailure: () => this.#streams.ensure(),
    });
    const { leader } = this.#subjects.stores;
    this.#leadership = new Leadership(
      {
        // Kept like the queries: a broker that remembers them also remembers who led.
        open: () => bus.keys(leader, { storage: config.STORAGE, replicas: config.REPLICAS }),
        id: this.#id,
        leaseMs: config.LEASE_MS,
        clock,
        brokerNowMs: () => this.#brokerTime.nowMs(),
        log,
      },
      {
        onLead: (token) => this.#lead(token),
        onLost: (reason) => this.#lose(reason),
        onRenewed: () => this.#term?.resume(),
      },
    );
    this.#presence = new Presence({
      bus,
      subjects: this.#subjects,
      clock,
      id: this.#id,
      everyMs: config.PROBE_EVERY_MS,
      other: () => this.#leadership.other,
      onGone: (holder) => this.#leadership.holderGone(holder),
    });
  }

  async start(): Promise<void> {
    const { bus, config, log } = this;
    const { stores } = this.#subjects;
    await this.#streams.ensure();
    const profiles = await bus.keys(stores.profiles, { storage: config.STORAGE, replicas: config.REPLICAS });
    await bus.announce({
      name: 'slackline-scheduler',
      version: '0.1.0',
      description: 'Earliest deadline first, subnet by slack',
      metadata: {
        ...processMetadata(config.INSTANCE_NAME ?? 'scheduler', config.SUBJECT_PREFIX),
        schedulerId: this.#id,
      },
    });
    await this.#brokerTime.start();
    this.#watches = [
      await watchLatencyTables(
        profiles,
        config.PLAN_PERCENTILE,
        this.#complaints,
        (model, deviceClass, table, version) => {
          const key = `${model}.${deviceClass}`;
          if (table !== undefined) warnOfMissingSubnet(config.POLICY, model, table, log);
          if (table === undefined) this.#tables.delete(key);
          else this.#tables.set(key, { model, deviceClass, table, ...(version !== undefined && { version }) });
          this.#term?.setTable(model, deviceClass, table, version);
        },
      ),
      await watchModels(profiles, {
        onServed: ({ name }) => {
          this.#removed.delete(name);
        },
        onGone: (name) => {
          this.#removed.add(name);
          this.#term?.failRemoved();
        },
        onBroken: (model, why) => this.#complaints.warn('model', { model, why }, 'this catalog entry cannot be read'),
      }),
    ];
    bus.onStatus((status) => {
      // What was published last may never have left, acks included. A new term gets all that is un-acked once more.
      if (status === 'disconnected') {
        this.#cutOff = this.#term ?? this.#cutOff;
        this.#leadership.resign('the connection to the broker was lost');
      }
      if (status === 'reconnected') this.#leadership.stand();
      if (status === 'closed' && !this.#stopping) {
        this.#fail(new SlacklineError('nats_unreachable', 'The connection to NATS was closed for good'));
      }
    });
    this.#presence.start();
    this.#said.start();
    await bus.flush();
    await this.#leadership.start();
    this.#beat = setInterval(() => this.#tell(), telemetryMs);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#beat);
    await this.#endTerm();
    await this.#presence.stop();
    await this.#said.stop();
    await Promise.all(this.#watches.map((watch) => watch.drain()));
    await this.#brokerTime.stop();
    await this.bus.close();
  }

  /** With a standby, only what is out is waited for: the standby serves the rest sooner than it could be served here. */
  async #endTerm(): Promise<void> {
    // Were it lost while it ends, another one would begin, which nobody ends.
    this.#leadership.standNoMore();
    const term = this.#term;
    const { hasStandby } = this.#presence;
    if (term !== undefined)
      this.log.info({ hasStandby, queued: term.queued, inFlight: term.inFlight }, 'ending the term');
    await term?.drain(this.config.DRAIN_MS, { sendsOn: !hasStandby });
    // The term is over with this call, so the standby need not wait until all of it has ended.
    const ended = term?.stop();
    await this.#leadership.stop();
    await ended;
  }

  #lead(token: number): void {
    this.log.info({ token }, 'leading');
    this.#tally.beginTerm();
    const term = new Term(token, {
      bus: this.bus,
      subjects: this.#subjects,
      clock: this.clock,
      brokerTime: this.#brokerTime,
      log: this.log,
      config: this.config,
      tally: this.#tally,
      said: this.#said,
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

  /** What this process held of queries that the broker has forgotten, nobody else can give an end to. */
  #afterCut(lost: readonly string[]): void {
    const cutOff = this.#cutOff;
    this.#cutOff = undefined;
    const queries = lost.reduce((sum, stream) => sum + (cutOff?.tellLost(stream) ?? 0), 0);
    if (queries > 0) this.log.error({ queries }, 'told their producers that these queries are lost');
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
    unreadable: tally.unreadable,
    outcomes: tally.outcomes,
    subnets: tally.subnets,
    meanBatch: tally.takeMeanBatch(),
    heapBytes: getHeapStatistics().used_heap_size,
  };
}
