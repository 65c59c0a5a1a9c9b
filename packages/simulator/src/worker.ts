/** A simulated worker: what it holds, and what the scheduler thinks of it. */
import type { Batch, LatencyTable, WorkerReport } from '@slackline/scheduling';
import type { SimulatedModel, SimulationOptions, WorkerGroup } from './options.js';
import type { SimulatedQuery } from './query.js';
import type { BatchRecord } from './result.js';
import type { CountedSubnet } from './tally.js';

/** A model on one device class. */
export interface HostedModel {
  index: number;
  table: LatencyTable;
  /** By index in the table: the index among all subnets that are counted. */
  counted: readonly number[];
}

/** A batch that the scheduler has sent to a worker, and what becomes of it there. */
export interface Run {
  readonly batch: Batch<SimulatedQuery>;
  /** Its subnet among all that are counted. */
  readonly counted: number;
  record: BatchRecord | undefined;
  /** The end that is on its way carries the version that it was planned under; others are void. */
  version: number;
  /** When the command is there. */
  readonly arrivesMs: number;
  /** How long the device was still busy with the one before then. */
  waitedMs: number;
  startedMs: number;
  executorMs: number;
  finishedMs: number;
  /** When its end is known to the scheduler. */
  doneMs: number;
}

export class SimulatedWorker {
  readonly id: string;
  readonly models: ReadonlySet<string>;
  /** Of the end that was planned last. */
  version = 0;
  life = 0;
  alive = false;
  /** The epoch under which the scheduler counts on it; empty: it does not. */
  knownEpoch = '';
  /** Until when it does nothing; in the past: it works. */
  pausedUntilMs = 0;
  /** Last time that the scheduler heard of it, other than by heartbeats. */
  lastSeenMs = 0;
  /** When this life began: heartbeats count from here. */
  bornMs = 0;
  /** When it last stopped to speak. */
  silentFromMs = 0;
  /** The batches that the scheduler has sent to it and has not heard of again, in the order in which they run. */
  readonly runs: Run[] = [];
  /** By index of the model: the subnet that it has actuated. */
  readonly actuated: number[] = [];

  constructor(
    readonly index: number,
    readonly deviceClass: string,
    /** By name. */
    readonly hosts: ReadonlyMap<string, HostedModel>,
    /** Batches that it holds at most. */
    readonly slots: number,
  ) {
    this.id = `w${index}`;
    this.models = new Set(hosts.keys());
  }

  get epoch(): string {
    return `${this.id}.${this.life}`;
  }

  /** What it says of itself when it is free. */
  report(): WorkerReport {
    const { id: workerId, epoch, deviceClass, models, slots } = this;
    return { workerId, epoch, deviceClass, models, accepting: true, batchId: undefined, slots };
  }
}

/** The subnets of all models, each once however many device classes have it. */
export function subnetsOf(models: readonly SimulatedModel[]): CountedSubnet[] {
  return models.flatMap(({ name, tables }) => {
    const byId = new Map<string, CountedSubnet>();
    for (const table of Object.values(tables)) {
      for (const { id, accuracy } of table.subnets) if (!byId.has(id)) byId.set(id, { model: name, id, accuracy });
    }
    return [...byId.values()].sort((a, b) => a.accuracy - b.accuracy);
  });
}

/** Throws RangeError where a group names a model that is not there or has no table for its device class. */
export function workersOf(
  { models, workers, sendsAhead = false }: SimulationOptions,
  subnets: readonly CountedSubnet[],
): SimulatedWorker[] {
  const all: SimulatedWorker[] = [];
  for (const group of workers) {
    const hosts = hostedBy(group, models, subnets);
    for (let i = 0; i < group.count; i += 1) {
      all.push(new SimulatedWorker(all.length, group.deviceClass, hosts, sendsAhead ? 2 : 1));
    }
  }
  return all;
}

function hostedBy(group: WorkerGroup, models: readonly SimulatedModel[], subnets: readonly CountedSubnet[]) {
  const hosts = new Map<string, HostedModel>();
  for (const name of group.models ?? models.map((model) => model.name)) {
    const index = models.findIndex((model) => model.name === name);
    const table = models[index]?.tables[group.deviceClass];
    if (table === undefined) throw new RangeError(`there is no latency table of ${name} on ${group.deviceClass}`);
    const counted = table.subnets.map(({ id }) => subnets.findIndex((each) => each.model === name && each.id === id));
    hosts.set(name, { index, table, counted });
  }
  return hosts;
}
