/** Makes a model of a submission: built in a process of its own, stored, rolled out. Knows what is published. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Clock,
  type KeyBucket,
  type ModelEntry,
  modelEntry,
  type ObjectBucket,
  profileKeys,
  readAll,
  readKey,
  SlacklineError,
  type SubmissionRecord,
  type SubmitRequest,
} from '@slackline/shared';
import { unpackServable } from '@slackline/supernet';
import { entryOf, type PublishableServable } from '../stages/servable.js';
import { type Files, filesOf } from './files.js';
import type { Records } from './records.js';
import type { Rollout } from './rollout.js';
import { servableFile, type Task, TaskProcess } from './task.js';

/** A build is this much of the whole; workers that load and time the model are the rest. */
const buildShare = 0.8;

export interface MakerDeps {
  records: Records;
  files: Files;
  rollout: Rollout;
  /** The bucket `profiles`. */
  keys: KeyBucket;
  /** The object store `models`. */
  models: ObjectBucket;
  clock: Clock;
  /** Scheduling priority of a build. */
  niceness: number;
}

/** The process that checks is kept for the next submission: to start it takes longer than most checks. */
const checkerKeptMs = 30_000;
/** A network that takes longer to be read was made for that. */
const checkLimitMs = 120_000;

export class Maker {
  #checker: TaskProcess | undefined;
  #stopped = false;
  #cancelIdle: () => void = () => {};

  constructor(private readonly deps: MakerDeps) {}

  /** Ends what it holds; a check that is going on is refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelIdle();
    await this.#endChecker();
  }

  async #endChecker(): Promise<void> {
    const checker = this.#checker;
    this.#checker = undefined;
    await checker?.end();
  }

  /** The model that is served under a name. */
  published(name: string): Promise<ModelEntry | undefined> {
    return readKey(this.deps.keys, profileKeys.model(name), modelEntry);
  }

  /** Throws what is wrong with a submission, also with its taking the place of `replaced`. Its files must be in the object store. One at a time. */
  async check(request: SubmitRequest, replaced?: ModelEntry): Promise<void> {
    this.#cancelIdle();
    if (this.#stopped) throw stopping();
    const checker = this.#checker?.isAlive ? this.#checker : new TaskProcess(0);
    this.#checker = checker;
    const cancelLimit = this.deps.clock.after(checkLimitMs, () => void this.#endChecker());
    try {
      const replaces = replaced && { replaces: { inputs: replaced.inputs, outputs: replaced.outputs } };
      await this.deps.files.inFolder(request.files, (directory) =>
        checker.run({ ...taskOf('check', request, directory), ...replaces }),
      );
    } catch (error) {
      if (this.#stopped) throw stopping();
      if (this.#checker === checker) throw error;
      const what = `${request.name} could not be checked within ${checkLimitMs} ms`;
      throw new SlacklineError('unsupported_model', what, { cause: error });
    } finally {
      cancelLimit();
      if (!this.#stopped) this.#cancelIdle = this.deps.clock.after(checkerKeptMs, () => void this.#endChecker());
    }
  }

  /** Builds, stores and publishes; what was done before is not done again. Rejects with the reason of `signal`. */
  async make(record: SubmissionRecord, signal: AbortSignal): Promise<void> {
    const { records, rollout } = this.deps;
    const running = await records.update(record, { state: 'running' });
    const published = await this.published(record.name);
    if (published?.submission === record.digest) {
      // Only the tidying up is left of it.
      await rollout.settle(published);
    } else {
      const servable = (await this.#stored(running)) ?? (await this.#build(running, signal));
      if (published !== undefined) await records.update(record, { replaces: published.digest });
      const entry = { ...entryOf(servable.content, servable.digest), submission: record.digest };
      const startedMs = performance.now();
      const onProgress = (stage: string, share: number) => {
        const leftMs = share > 0.25 ? Math.round(((performance.now() - startedMs) * (1 - share)) / share) : null;
        records.progress(record, { stage, shareDone: buildShare + (1 - buildShare) * share, leftMs });
      };
      await rollout.publish(entry, onProgress, signal);
    }
    await this.#release(records.get(record.name)?.replaces);
  }

  /** Takes back what an unfinished submission has left in the stores. */
  async discard(record: SubmissionRecord): Promise<void> {
    const { name, servable } = record;
    const { rollout } = this.deps;
    await rollout.withdraw(name);
    if (servable === undefined) return;
    if ((await this.published(name))?.digest !== servable) await rollout.withdrawProfiles(name, servable);
    await this.#release(servable);
  }

  /** The servable of an earlier attempt, if it was stored whole. */
  async #stored({ servable: digest }: SubmissionRecord) {
    const data = digest === undefined ? undefined : await this.deps.models.get(digest);
    if (digest === undefined || data === undefined) return undefined;
    return { digest, content: unpackServable(data, digest) as PublishableServable };
  }

  async #build(record: SubmissionRecord, signal: AbortSignal) {
    const { files, records, models } = this.deps;
    return files.inFolder(record.files, async (directory) => {
      const onProgress = ({ stage, share, leftMs }: { stage: string; share: number; leftMs?: number | undefined }) =>
        records.progress(record, { stage, shareDone: buildShare * share, leftMs: leftMs ?? null });
      const digest = await this.#inProcess(signal, (builder) =>
        builder.run(taskOf('build', record, directory), onProgress),
      );
      if (digest === undefined)
        throw new SlacklineError('submission_failed', `The build of ${record.name} gave nothing`);
      const data = await readFile(join(directory, servableFile));
      const content = unpackServable(data, digest) as PublishableServable;
      // First the word, then the object: whoever takes over knows what to use, or to remove.
      await records.update(record, { servable: digest });
      if ((await models.size(digest)) !== data.length) await models.put(digest, data);
      return { digest, content };
    });
  }

  /** Calls `work` with a process of its own, which ends with it. Rejects with the reason of `signal`. */
  async #inProcess<T>(signal: AbortSignal, work: (builder: TaskProcess) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const builder = new TaskProcess(this.deps.niceness);
    const onAbort = () => void builder.end();
    signal.addEventListener('abort', onAbort);
    try {
      return await work(builder);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await builder.end();
    }
  }

  /** Removes a servable unless an entry or a candidate is of this version. */
  async #release(digest: string | undefined): Promise<void> {
    if (digest !== undefined && !(await this.#isUsed(digest))) await this.deps.models.delete(digest);
  }

  /** Takes a model away: its entry, its profiles, its servable unless a candidate is of it. Returns whether it was there. */
  async remove(name: string): Promise<boolean> {
    const { keys } = this.deps;
    const entry = await this.published(name);
    if (entry === undefined) return false;
    await keys.delete(profileKeys.model(name));
    for (const key of (await readAll(keys)).keys()) {
      if (profileKeys.latencyOf(key)?.model === name) await keys.delete(key);
    }
    await this.#release(entry.digest);
    return true;
  }

  /**
   * Removes what a profiler has left that was killed while it published or removed: candidates that no submission is about,
   * latencies of models that are not served, servables that nothing names. For the start, when nothing is under way.
   */
  async sweep(): Promise<void> {
    const { keys, models, records } = this.deps;
    // Names first: what is stored while this runs was named before, or is not among them.
    const stored = await models.names();
    const pending = new Map(records.pending().map((record) => [record.name, record]));
    const values = await readAll(keys);
    for (const key of values.keys()) {
      const candidate = key.startsWith(profileKeys.candidate('')) && key.slice(profileKeys.candidate('').length);
      const measured = profileKeys.latencyOf(key)?.model;
      const isLeft =
        measured === undefined
          ? candidate !== false && !pending.has(candidate)
          : !values.has(profileKeys.model(measured)) && !pending.has(measured);
      if (!isLeft) continue;
      await keys.delete(key);
      values.delete(key);
    }
    const kept = new Set([...pending.values()].flatMap(({ servable, replaces }) => [servable, replaces]));
    for (const digest of stored) if (!kept.has(digest) && !isNamed(digest, values)) await models.delete(digest);
  }

  async #isUsed(digest: string): Promise<boolean> {
    return isNamed(digest, await readAll(this.deps.keys));
  }
}

/** Whether an entry or a candidate among the values of the bucket `profiles` is of this version. */
function isNamed(digest: string, values: ReadonlyMap<string, Uint8Array>): boolean {
  return [...values].some(
    ([key, value]) => profileKeys.latencyOf(key) === undefined && Buffer.from(value).includes(digest),
  );
}

function stopping(): SlacklineError {
  return new SlacklineError('unavailable', 'The profiler is shutting down');
}

function taskOf(
  kind: Task['kind'],
  { name, sloMs, files, options }: Pick<SubmitRequest, 'name' | 'sloMs' | 'files' | 'options'>,
  directory: string,
): Task {
  const { front, ...rest } = options;
  const parts = filesOf(files).map(([part]) => part);
  return { kind, directory, parts, name, sloMs, options: { ...rest, ...(front !== undefined && { front }) } };
}
