/**
 * One worker on the bus: takes batch commands and gives what the executor answers. It decides nothing: what runs where and
 * when is the scheduler's. docs/worker.md tells its life.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type BatchCommand,
  type Bus,
  type BusMessage,
  type Clock,
  Complaints,
  type ErrorCode,
  fencedNotice,
  type Log,
  readBatchCommand,
  rollCall,
  type Subjects,
  type Subscription,
  unpack,
  type WorkerStatus,
} from '@slackline/shared';
import { Batches } from './batches.js';
import type { WorkerConfig } from './config.js';
import { Device, slotsOf } from './device.js';
import type { Executor } from './executors/executor.js';
import { Fence } from './fence.js';
import { Life, type LifeState } from './life.js';
import { Measurements } from './measurements.js';
import { Meter } from './meter.js';
import { Models, type ModelsCatalog } from './models.js';
import { Voice } from './voice.js';

const telemetryMs = 1_000;
/** How often the lease is looked up at most, for commands that are refused. */
const askEveryMs = 250;
const host = hostname();

export interface WorkerDeps {
  id: string;
  deviceClass: string;
  config: Pick<WorkerConfig, 'HEARTBEAT_MS' | 'DEAD_AFTER_MS' | 'ALLOWED_REPLY_PREFIXES'>;
  bus: Bus;
  subjects: Subjects;
  catalog: ModelsCatalog;
  executor: Executor;
  clock: Clock;
  log: Log;
  newEpoch?: () => string;
  /** The token that the schedulers' lease names; undefined where there is none. Default: nobody knows. */
  leaderToken?: () => Promise<number | undefined>;
}

export class Worker {
  readonly #life = new Life();
  readonly #fence: Fence;
  readonly #device: Device;
  readonly #models: Models;
  readonly #meter: Meter;
  readonly #batches: Batches;
  readonly #voice: Voice;
  readonly #log: Log;
  readonly #measurements: Measurements;
  readonly #complaints: Complaints;
  #subscriptions: Subscription[] = [];
  #cancelHeartbeat: () => void = () => {};
  #cancelTelemetry: () => void = () => {};
  #stopping: Promise<void> | undefined;
  #askAgainAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly deps: WorkerDeps) {
    const { clock, config, executor, catalog } = deps;
    this.#log = deps.log.child({ workerId: deps.id });
    this.#fence = new Fence({ clock, deadAfterMs: config.DEAD_AFTER_MS, newEpoch: deps.newEpoch ?? randomUUID });
    this.#voice = new Voice(deps.bus, deps.subjects, config.ALLOWED_REPLY_PREFIXES, this);
    this.#device = new Device(slotsOf(executor.name), this.#life, clock, () => this.#voice.slots());
    this.#meter = new Meter(clock);
    this.#complaints = new Complaints(this.#log, clock);
    this.#batches = new Batches({
      ...{ bus: deps.bus, claims: deps.subjects.stores.claims, executor, clock, meter: this.#meter, log: this.#log },
      isOver: (epoch, token) => this.#fence.isOver(epoch, token),
      onDied: () => this.#life.take('drain'),
    });
    const withDevice = (step: () => Promise<void>) => this.#device.run('load', step);
    this.#models = new Models({ catalog, executor, clock, log: this.#log, withDevice });
    this.#measurements = new Measurements({
      device: this.#device,
      models: this.#models,
      executor,
      voice: this.#voice,
      complaints: this.#complaints,
    });
  }

  get id(): string {
    return this.deps.id;
  }

  get state(): LifeState {
    return this.#life.state;
  }

  /** Batches it can take now. */
  get freeSlots(): number {
    return this.#device.freeSlots;
  }

  /** What the worker says of itself. */
  get status(): WorkerStatus {
    return {
      v: 1,
      workerId: this.deps.id,
      epoch: this.#fence.epoch,
      deviceClass: this.deps.deviceClass,
      executor: this.deps.executor.name,
      host,
      models: this.#models.hosted,
      versions: this.#models.versions,
      slots: this.#device.slots,
      freeSlots: this.freeSlots,
      batchId: this.#batches.runningId,
      draining: this.#life.isEnding,
    };
  }

  /** Listens, loads what the catalog names, and says that it is available. */
  async start(): Promise<void> {
    const { bus, subjects, clock, id } = this.deps;
    const listen = (subject: string, what: string, handle: (message: BusMessage) => void) =>
      bus.subscribe(subject, (message) => this.#guarded(what, () => handle(message)));
    this.#subscriptions = [
      listen(subjects.batch(id), 'batch', ({ data }) => this.#onBatch(data)),
      listen(subjects.ping(id), 'ping', ({ reply }) => this.#voice.pong(reply)),
      listen(subjects.fenced(id), 'fenced', ({ data }) => this.#onFenced(data)),
      listen(subjects.rollCall, 'rollcall', ({ data }) => this.#onRollCall(data)),
      listen(subjects.measure(id), 'measure', (message) => this.#measurements.take(message)),
    ];
    this.#beat();
    this.#cancelTelemetry = clock.after(telemetryMs, () => this.#tell());
    await this.#models.sync();
    if (this.#life.take('started')) this.#device.start();
  }

  /** The connection was lost and came back: a scheduler may have given this worker up. */
  reconnected(): void {
    this.#fence.renew();
    this.#sayRenewed('the connection was lost');
  }

  /** Finishes the batch it has, says its last words, and lets go of the executor. Later calls wait with the first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  async #drain(): Promise<void> {
    this.#life.take('drain');
    this.#voice.heartbeat();
    this.deps.executor.abandonMeasure();
    await Promise.all([this.#device.drain(), this.#models.stop()]);
    // Draining without a batch is the goodbye.
    this.#voice.heartbeat();
    this.#cancelHeartbeat();
    this.#cancelTelemetry();
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
    await this.deps.executor.close();
    this.#life.take('drained');
  }

  #onBatch(data: Uint8Array): void {
    this.#noticeSilence();
    const command = readBatchCommand(data);
    const refusal = this.#refusal(command);
    if (refusal === 'ignore') return;
    if (refusal !== undefined) {
      this.#log.debug({ batchId: command.batchId, ...refusal }, 'batch refused');
      this.#voice.done(command, { answers: refusal, actuationMs: 0, inferenceMs: 0, heldMs: 0, waitedMs: 0 });
      return;
    }
    // A newer version of the model may take over while it waits, but not this batch.
    const turn = this.#batches.take(command, command.digest ?? this.#models.digestOf(command.model) ?? '');
    this.#device.runBatch(turn.run, () => {
      // In this order no scheduler sends to a worker whose device has gone to something else. What batches take of the slots, and
      // give back, schedulers know by themselves: a status for each would cost them more than the batch.
      if (this.freeSlots === 0 && this.#voice.saidSlots > 0) this.#voice.slots();
      const end = turn.end();
      if (end !== undefined) this.#voice.done(command, end);
      // A leader of another term waits for the end of a batch that is none of its own.
      const isUnheard = this.#fence.isOver(command.epoch, command.token);
      if (this.freeSlots > 0 && (this.#voice.saidSlots === 0 || isUnheard)) this.#voice.slots();
    });
  }

  /** Why a command is not run: it is answered with the reason, or ignored where its sender finds out by itself. */
  #refusal({ batchId, token, epoch, model, subnet, digest = this.#models.digestOf(model) }: BatchCommand) {
    const because = (refused: ErrorCode, message: string) => ({ refused, message });
    if (epoch !== this.#fence.epoch) {
      // The status under the new epoch, already sent, tells the scheduler to give the batch to another worker.
      this.#log.debug({ batchId, epoch }, 'batch of another epoch ignored');
      return 'ignore';
    }
    if (!this.#fence.admits(token)) {
      this.#askWhoLeads();
      return because('stale_token', `A scheduler with a larger fencing token than ${token} has taken over`);
    }
    if (!this.#device.acceptsBatch) {
      return because('unavailable', `The worker is ${this.#life.state} and takes no batch`);
    }
    if (digest !== undefined && this.#models.has(digest) && this.deps.executor.hosts(digest, subnet)) return undefined;
    return because('unknown_subnet', `The worker does not host the subnet ${subnet} of ${model}`);
  }

  /** Whoever is refused may lead all the same: a larger token was heard, but of whom? */
  #askWhoLeads(): void {
    const { leaderToken, clock } = this.deps;
    if (leaderToken === undefined || clock.now() < this.#askAgainAtMs) return;
    this.#askAgainAtMs = clock.now() + askEveryMs;
    leaderToken().then(
      (token) => token !== undefined && this.#fence.leads(token),
      (error) => this.#complaints.warn('lease', { err: error }, 'the lease could not be read'),
    );
  }

  #onFenced(data: Uint8Array): void {
    const { epoch, token } = unpack('fenced', fencedNotice, data);
    if (this.#fence.admits(token) && this.#fence.fenced(epoch)) this.#sayRenewed('a scheduler gave this worker up');
  }

  /** A new leader knows no worker yet. */
  #onRollCall(data: Uint8Array): void {
    const { token } = unpack('rollcall', rollCall, data);
    if (!this.#fence.admits(token)) return;
    this.#noticeSilence();
    this.#voice.slots();
  }

  #beat(): void {
    this.#noticeSilence();
    this.#voice.heartbeat();
    this.#fence.signOfLife();
    this.#cancelHeartbeat = this.deps.clock.after(this.deps.config.HEARTBEAT_MS, () => this.#beat());
  }

  /** A process that was paused may have been given up: what it did in between counts for nothing. */
  #noticeSilence(): void {
    if (this.#fence.noticeSilence()) this.#sayRenewed('the process was silent for too long');
  }

  #sayRenewed(why: string): void {
    this.#log.warn({ epoch: this.#fence.epoch, why }, 'new epoch');
    this.#voice.slots();
  }

  #tell(): void {
    this.#voice.telemetry(this.#life.state, this.#meter.read());
    this.#cancelTelemetry = this.deps.clock.after(telemetryMs, () => this.#tell());
  }

  /** A message that cannot be understood must not end the worker, and a flood of them must not fill the log. */
  #guarded(what: string, handle: () => void): void {
    try {
      handle();
    } catch (error) {
      this.#complaints.warn(what, { what, err: error }, 'message dropped');
    }
  }
}
