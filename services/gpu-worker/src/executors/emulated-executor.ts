/**
 * A device that is not there: each batch holds the worker for the median latency that a profile of the named device
 * class gives, and the answers are zeros. How scheduling is tried at the size of many accelerators on few cores.
 *
 * A subnet of a family of separate models has a cost of loading (`loadMs`), held too whenever another one of its
 * model ran before it: the device has room for one network of each model that it serves.
 *
 * No wait ends at the exact moment. What one batch held too long the next one of the same device holds less, so that the
 * device's throughput is the profile's; the time reported is the time really held.
 */
import { LatencyTable } from '@slackline/scheduling';
import {
  type BatchAnswer,
  encodeOutputs,
  type LatencyProfile,
  type ModelEntry,
  newTensorData,
  rowElements,
  SlacklineError,
} from '@slackline/shared';
import type { BatchResult, Executor, ExecutorBatch, ModelSources } from './executor.js';
import type { Holder } from './holder.js';

/** A longer overrun is a stall of the process, not rounding: carried over it would make later batches free. */
export const mostCarriedMs = 2;

/** The medians of a profile, as schedulers would read them. Throws RangeError where their order does not hold. */
function medians(profile: LatencyProfile): LatencyTable {
  const rows = profile.subnets.map(({ p50Ms }) => p50Ms);
  return new LatencyTable(profile.subnets, profile.batches, rows);
}

interface EmulatedModel {
  entry: ModelEntry;
  /** The present profile of this version. */
  latency: () => LatencyProfile | undefined;
  /** The profile that `table` was made of. */
  profile: LatencyProfile | undefined;
  table: LatencyTable | undefined;
  /** Encoded zeros by content type. */
  zeros: Map<string, BatchAnswer>;
}

export class EmulatedExecutor implements Executor {
  readonly name = 'emulated';
  readonly #models = new Map<string, EmulatedModel>();
  #carriedMs = 0;
  /** The subnet of each loaded version that is on the device. */
  readonly #resident = new Map<string, string>();

  /** @param holder waits for all emulated devices of the process; it belongs to the caller */
  constructor(private readonly holder: Pick<Holder, 'now' | 'until' | 'failed'>) {}

  get failed(): Promise<Error> {
    return this.holder.failed;
  }

  async prepare(entry: ModelEntry, sources: ModelSources): Promise<() => Promise<void>> {
    const latency = () => {
      const profile = sources.latency(entry.name);
      return profile?.digest === entry.digest ? profile : undefined;
    };
    if (latency() === undefined) {
      throw new SlacklineError(
        'unavailable',
        `There is no latency profile of ${entry.name} on this device class to emulate`,
      );
    }
    return async () => {
      this.#models.set(entry.digest, { entry, latency, profile: undefined, table: undefined, zeros: new Map() });
    };
  }

  async unload(digest: string): Promise<void> {
    this.#models.delete(digest);
    this.#resident.delete(digest);
  }

  hosts(digest: string, subnet: string): boolean {
    return (
      this.#models
        .get(digest)
        ?.latency()
        ?.subnets.some(({ id }) => id === subnet) ?? false
    );
  }

  async run(batch: ExecutorBatch): Promise<BatchResult> {
    const startedAtMs = this.holder.now();
    const model = this.#models.get(batch.digest);
    const table = this.#table(batch.digest);
    const subnet = table?.subnets.findIndex(({ id }) => id === batch.subnet) ?? -1;
    if (model === undefined || table === undefined || subnet === -1) {
      const error = `The profile of this device class does not know the subnet ${batch.subnet}`;
      return { answers: batch.queries.map(() => ({ error })), actuationMs: 0, inferenceMs: 0 };
    }
    const actuationMs = this.#actuate(batch, model);
    const latencyMs = actuationMs + table.estimate(subnet, batch.queries.length);
    const targetMs = Math.max(0, latencyMs - this.#carriedMs);
    await this.holder.until(startedAtMs + targetMs);
    const heldMs = this.holder.now() - startedAtMs;
    this.#carriedMs = Math.min(mostCarriedMs, this.#carriedMs + heldMs - latencyMs);
    const answers = batch.queries.map(({ contentType }) => zeros(model, contentType));
    // The two add up to the time really held; the loading is never told as longer than all of it.
    const loadingMs = Math.min(actuationMs, heldMs);
    return { answers, actuationMs: loadingMs, inferenceMs: heldMs - loadingMs };
  }

  /** Puts a subnet on the device. Returns what that costs. */
  #actuate({ digest, subnet }: ExecutorBatch, { profile }: EmulatedModel): number {
    if (this.#resident.get(digest) === subnet) return 0;
    this.#resident.set(digest, subnet);
    return profile?.subnets.find(({ id }) => id === subnet)?.loadMs ?? 0;
  }

  measure(): Promise<never> {
    return Promise.reject(new SlacklineError('unavailable', 'An emulated device takes its latencies from a profile'));
  }

  abandonMeasure(): void {}

  async close(): Promise<void> {
    this.#models.clear();
  }

  /** The medians of a loaded version's present profile. */
  #table(digest: string): LatencyTable | undefined {
    const model = this.#models.get(digest);
    const profile = model?.latency();
    if (model === undefined || profile === undefined) return undefined;
    if (model.profile !== profile) {
      model.profile = profile;
      model.table = medians(profile);
    }
    return model.table;
  }
}

function zeros(model: EmulatedModel, contentType: string): BatchAnswer {
  let answer = model.zeros.get(contentType);
  if (answer === undefined) {
    answer = encodeZeros(model.entry, contentType);
    model.zeros.set(contentType, answer);
  }
  return answer;
}

function encodeZeros(entry: ModelEntry, contentType: string): BatchAnswer {
  try {
    const rows = entry.outputs.map((metadata) => ({
      metadata,
      data: newTensorData(metadata.datatype, rowElements(metadata)).data,
    }));
    return { outputs: encodeOutputs(contentType, rows) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
