/**
 * Runs the batches that a worker has taken. Bodies that stayed in the stream are fetched when a batch comes, so that one that
 * waits for the device has them when its turn is there.
 */
import type { BatchCommand, Bus, Clock, Log } from '@slackline/shared';
import { answersOf, bodiesInHand, type FetchedQuery, fetchBodies } from './claims.js';
import type { Executor } from './executors/executor.js';
import type { Meter } from './meter.js';
import type { BatchEnd } from './voice.js';

export interface BatchesParts {
  bus: Bus;
  /** The stream that bodies are fetched from. */
  claims: string;
  executor: Pick<Executor, 'run'>;
  clock: Clock;
  meter: Pick<Meter, 'batchStarted' | 'batchEnded'>;
  log: Log;
  /** Whether what came under these runs elsewhere: this worker was given up, or its leader leads no more. */
  isOver: (epoch: string, token: number) => boolean;
  /** The executor died on a batch; what waits behind that one is refused. */
  onDied: () => void;
}

/** One batch, from its command to its end. */
export interface Turn {
  /** Called when the device is free for it. Never rejects. */
  run(): Promise<void>;
  /** What is to be said of it now that it has run; undefined: nothing. */
  end(): BatchEnd | undefined;
}

type Result = Omit<BatchEnd, 'heldMs' | 'waitedMs'>;
/** The bodies of a batch, or why the bus could not say. */
type Bodies = readonly FetchedQuery[] | Error;

export class Batches {
  #runningId: string | null = null;
  #hasDied = false;

  constructor(private readonly parts: BatchesParts) {}

  /** The batch on the device. One that the executor died on stays: who leaves without one has not died of it. */
  get runningId(): string | null {
    return this.#runningId;
  }

  take(command: BatchCommand, digest: string): Turn {
    const { clock } = this.parts;
    const arrivedMs = clock.now();
    const bodies = this.#bodiesOf(command);
    let startedMs = arrivedMs;
    let result: Result | undefined;
    return {
      run: async () => {
        startedMs = clock.now();
        result = await this.#turn(command, digest, bodies);
      },
      end: () => {
        if (result === undefined) return undefined;
        if (this.#runningId === command.batchId) this.#runningId = null;
        return { ...result, heldMs: clock.now() - arrivedMs, waitedMs: startedMs - arrivedMs };
      },
    };
  }

  /** Never rejects; undefined where nothing is to be said. */
  async #turn(command: BatchCommand, digest: string, bodies: Bodies | Promise<Bodies>): Promise<Result | undefined> {
    const { meter, isOver } = this.parts;
    if (isOver(command.epoch, command.token)) return undefined;
    if (this.#hasDied) return refused('The executor died on the batch before');
    this.#runningId = command.batchId;
    meter.batchStarted();
    const result = await this.#run(command, digest, await bodies);
    meter.batchEnded(
      result !== undefined && Array.isArray(result.answers) ? { queries: result.answers.length, ...result } : undefined,
    );
    return result;
  }

  /** Undefined when the executor died on the batch, which then is the scheduler's to give to another. */
  async #run({ batchId, subnet }: BatchCommand, digest: string, bodies: Bodies): Promise<Result | undefined> {
    const { executor, log, onDied } = this.parts;
    // The bus failed, not the queries: they can be served elsewhere or later.
    if (bodies instanceof Error) return refused(bodies.message);
    try {
      const queries = bodies.filter((query) => 'body' in query);
      const result = await executor.run({ digest, subnet, queries });
      return { ...result, answers: answersOf(bodies, result.answers) };
    } catch (error) {
      log.error({ batchId, err: error }, 'the executor died');
      this.#hasDied = true;
      onDied();
      return undefined;
    }
  }

  #bodiesOf({ queries }: BatchCommand): Bodies | Promise<Bodies> {
    const inHand = bodiesInHand(queries);
    if (inHand !== undefined) return inHand;
    const { bus, claims } = this.parts;
    return fetchBodies(bus, claims, queries).catch((error) =>
      error instanceof Error ? error : new Error(String(error)),
    );
  }
}

/** A batch that is not run, though nothing is wrong with its queries. */
function refused(message: string): Result {
  return { answers: { refused: 'unavailable', message }, actuationMs: 0, inferenceMs: 0 };
}
