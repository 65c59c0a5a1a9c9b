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
  SlacklineError,
  type SubmissionRecord,
  type SubmitRequest,
} from '@slackline/shared';
import { unpackServable } from '@slackline/supernet';
import { readKey } from '../stages/publish.js';
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

  /** Throws what is wrong with a submission. Its files must be in the object store. One at a time. */
  async check(request: SubmitRequest): Promise<void> {
    this.#cancelIdle();
    if (this.#stopped) throw stopping();
    const checker = this.#checker?.isAlive ? this.#checker : new TaskProcess(0);
    this.#checker = checker;
    const cancelLimit = this.deps.clock.after(checkLimitMs, () => void this.#endChecker());
    try {
      await this.deps.files.inFolder(request.files, (directory) => checker.run(taskOf('check', request, directory)));
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
    // Only the tidying up is left of it.
    if (published?.submission !== record.digest) {
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
    await rollout.withdraw(record.name);
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

  /** Removes a servable that nothing refers to any more. */
  async #release(digest: string | undefined): Promise<void> {
    if (digest !== undefined && !(await this.#isUsed(digest))) await this.deps.models.delete(digest);
  }

  /** Takes a model away: its entry, its profiles, its servable unless another model shares it. Returns whether it was there. */
  async remove(name: string): Promise<boolean> {
    const { keys } = this.deps;
    const entry = await this.published(name);
    if (entry === undefined) return false;
    await keys.delete(profileKeys.model(name));
    const prefix = profileKeys.latency(name, '');
    for (const key of (await readAll(keys)).keys()) if (key.startsWith(prefix)) await keys.delete(key);
    await this.#release(entry.digest);
    return true;
  }

  async #isUsed(digest: string): Promise<boolean> {
    for (const [key, value] of await readAll(this.deps.keys)) {
      if (key.startsWith(profileKeys.latency('', '').slice(0, -1))) continue;
      if (Buffer.from(value).includes(digest)) return true;
    }
    return false;
  }
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
