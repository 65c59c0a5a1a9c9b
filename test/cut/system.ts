/** A system of real processes, each behind a proxy of its own, and the account of a load over what is done to it. */
import { type Cut, ownTarget, ProcessProxies, type Role, type Target, type Victim } from '@slackline/chaos';
import type { SystemOptions } from '@slackline/local';
import { acceptedQueries, batchCommand, type SchedulerTelemetry, schedulerTelemetry, unpack } from '@slackline/shared';
import { type Plant, startPlant } from '../harness/plant.js';
import { Producer } from '../harness/producer.js';

export interface CutPlant extends Plant {
  target: Target;
}

export async function startCutPlant(options: SystemOptions): Promise<CutPlant> {
  const proxies = new ProcessProxies();
  try {
    const plant = await startPlant({ ...options, natsUrlOf: proxies.natsUrlOf });
    const stop = async () => {
      await plant.stop();
      await proxies.close();
    };
    return { ...plant, stop, target: ownTarget(plant.system, { bus: plant.bus, subjects: plant.subjects, proxies }) };
  } catch (error) {
    await proxies.close();
    throw error;
  }
}

/** A process of that role: of that name, or the first, which among schedulers leads. */
export async function victim({ target }: CutPlant, role: Role, name?: string): Promise<Victim> {
  const found = (await target.victims(role)).find((each) => name === undefined || each.name === name);
  if (found === undefined) throw new Error(`there is no ${name ?? role}`);
  return found;
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Cuts a process off for some time, and gives it time to come back. */
export async function cutFor(process: Victim, cut: Cut, times: { cutMs: number; healedMs: number }): Promise<void> {
  const heal = process.cut(cut);
  await pause(times.cutMs);
  heal();
  await pause(times.healedMs);
}

/** What became of the queries of a load. */
export interface Account {
  sent: number;
  /** Growth of the stream. */
  accepted: number;
  /** Left in the stream: without an outcome. */
  waiting: number;
  /** As their producer saw them, each once: outcomes, codes of refusals, `unanswered`. */
  ends: Record<string, number>;
  /** Outcomes among these. */
  outcomes: number;
  /** Second answers, which the producer did not see. */
  second: number;
}

/** Sends a load while `during` is done to the system, and accounts for it. @param url the producer's way to NATS */
export async function underLoad(
  { system, bus, subjects }: Plant,
  load: { rate: number; sloMs: number; graceMs?: number; url?: string },
  during: () => Promise<void>,
): Promise<Account> {
  const before = await acceptedQueries(bus, subjects);
  const producer = await Producer.start(load.url ?? system.natsUrl, load);
  try {
    await during();
  } finally {
    await producer.finish();
    await producer.client.close();
  }
  const { ever, waiting } = await acceptedQueries(bus, subjects);
  const ends = producer.counts();
  const { ok = 0, late = 0, expired = 0, failed = 0 } = ends;
  return {
    sent: producer.sent,
    accepted: ever - before.ever,
    waiting,
    ends,
    outcomes: ok + late + expired + failed,
    second: producer.second.length,
  };
}

/** Batches that are sent to one worker, as they are. */
export class Commands {
  readonly batchIds: string[] = [];
  #onNext: () => void = () => {};

  constructor({ bus, subjects }: Plant, worker: string) {
    bus.subscribe(subjects.batch(worker), ({ data }) => {
      this.batchIds.push(unpack('batch', batchCommand, data).batchId);
      this.#onNext();
    });
  }

  /** Resolves when the next one is sent: from then on the worker holds it. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#onNext = resolve;
    });
  }
}

/** Resolves when the leader knows so many workers, and neither holds nor waits for anything. */
export function atRest({ bus, subjects }: Plant, workers: number): Promise<SchedulerTelemetry> {
  return new Promise((resolve) => {
    const heard = bus.subscribe(subjects.telemetry('scheduler'), ({ data }) => {
      const told = unpack('scheduler telemetry', schedulerTelemetry, data);
      if (told.workers !== workers || told.queued + told.inFlight > 0) return;
      void heard.drain();
      resolve(told);
    });
  });
}
