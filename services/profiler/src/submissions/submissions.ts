/**
 * The queue of submitted supernets: what is asked for is checked and recorded, one after the other is built and published,
 * and whatever way one ends, nothing of it stays behind but the model or the reason.
 *
 *   submit -> queued -> running -> published (record and files are gone)
 *                              \-> failed    (the files are gone, the record tells why, for an hour)
 *
 * Every step may be done twice: a profiler that takes over after a crash begins where the record and the stores say.
 */
import {
  type Clock,
  type Log,
  namePattern,
  quote,
  SlacklineError,
  type SubmissionRecord,
  type SubmitReply,
  type SubmitRequest,
  type SubmittedFiles,
  submissionDigest,
} from '@slackline/shared';
import { checkSizes, type Files } from './files.js';
import type { Maker } from './maker.js';
import type { Records } from './records.js';

/** How long the reason of a failure can be read. */
export const failureKeptMs = 60 * 60 * 1_000;
/** What the bus refused is tried again so often, and after so long. */
const attempts = 5;
const retryMs = 1_000;

/** Requests that may wait for their check; each may take minutes. */
const mostWaiting = 32;
/** How often the files of pending submissions are looked after. */
const renewEveryMs = 6 * 60 * 60 * 1_000;

export interface SubmissionsDeps {
  records: Records;
  files: Files;
  maker: Maker;
  clock: Clock;
  log: Log;
}

/** The submission that is being worked on. */
interface Active {
  name: string;
  abort: AbortController;
  ended: Promise<void>;
}

export class Submissions {
  #active: Active | undefined;
  #stopped = false;
  #wake: () => void = () => {};
  /** Names whose submission is being given up: it must not be begun again. */
  readonly #ending = new Set<string>();
  /** The files of the submission that is being checked: the end of another one must not take them away. */
  #asking: SubmittedFiles | undefined;
  /** Requests are served one after the other: each finds the stores as the one before left them. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #cancelRenewal: () => void = () => {};
  readonly #forgetting = new Map<string, () => void>();
  readonly #ended: Promise<void>;

  /** Goes on with what the records say. */
  constructor(private readonly deps: SubmissionsDeps) {
    for (const record of deps.records.all()) if (record.error !== undefined) this.#forgetLater(record);
    this.#ended = this.#run();
    this.#renewLater(0);
  }

  /** Ends; what is being worked on stays recorded for the next profiler. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#active?.abort.abort(new Error('the profiler is stopping'));
    for (const cancel of this.#forgetting.values()) cancel();
    this.#cancelRenewal();
    this.#wake();
    await Promise.all([this.#ended, this.#turn]);
  }

  /**
   * Takes a submission. Throws, having removed its files, what it is refused with; `overloaded`, with the files left for
   * another attempt, when too many wait for their check.
   */
  async submit(request: SubmitRequest): Promise<SubmitReply> {
    if (this.#waiting >= mostWaiting) {
      throw new SlacklineError('overloaded', `${mostWaiting} submissions wait for their check already`);
    }
    this.#waiting += 1;
    try {
      checkBriefly(request);
      const reply = await this.#inTurn(() => this.#submit(request));
      if (reply.status === 'unchanged') await this.#releaseFiles(request);
      return reply;
    } catch (error) {
      // What is incomplete is still being uploaded.
      if (!(error instanceof SlacklineError) || error.code !== 'submission_incomplete') {
        await this.#releaseFiles(request);
      }
      throw error;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Gives a pending submission up, or forgets a failed one. Resolves with whether there was one. */
  abandon(name: string): Promise<boolean> {
    return this.#inTurn(() => this.#abandon(name));
  }

  /** Runs `work` when no request is being served. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #submit(request: SubmitRequest): Promise<SubmitReply> {
    const { name, sloMs, files, options, replace } = request;
    const { records, maker } = this.deps;
    const digest = submissionDigest(request);
    const present = records.get(name);
    const pending = present?.state === 'failed' ? undefined : present;
    if (pending?.digest === digest) return { v: 1, status: 'following', digest };
    const published = await maker.published(name);
    if (pending === undefined && published?.submission === digest) return { v: 1, status: 'unchanged', digest };
    if (!replace && (pending !== undefined || published !== undefined)) {
      const what = pending === undefined ? 'is served already' : 'is being submitted already';
      throw new SlacklineError('model_exists', `Another model called ${name} ${what}`);
    }
    this.#asking = files;
    try {
      await this.deps.files.checkPresent(files);
      await maker.check(request, published);
      await this.#abandon(name);
      const submittedAt = new Date().toISOString();
      const begun = { state: 'queued', stage: 'queued', shareDone: 0, leftMs: null } as const;
      await records.put({ v: 1, name, digest, sloMs, files, options, submittedAt, ...begun });
    } finally {
      this.#asking = undefined;
    }
    this.deps.log.info({ model: name, submission: digest }, 'submission accepted');
    this.#wake();
    return { v: 1, status: 'accepted', digest };
  }

  async #releaseFiles({ files }: Pick<SubmitRequest, 'files'>): Promise<void> {
    await this.deps.files
      .release(files, () => this.#needed())
      .catch((error: unknown) => {
        this.deps.log.warn({ err: error }, 'files of a refused submission could not be removed');
      });
  }

  /** Files that somebody needs: pending submissions but for that of the name `but`, and the one that is being checked. */
  #needed(but?: string): SubmittedFiles[] {
    const pending = this.deps.records.pending().filter(({ name }) => name !== but);
    const needed = pending.map(({ files }) => files);
    return this.#asking === undefined ? needed : [...needed, this.#asking];
  }

  async #abandon(name: string): Promise<boolean> {
    if (this.deps.records.get(name) === undefined) return false;
    this.#ending.add(name);
    try {
      return await this.#end(name);
    } finally {
      this.#ending.delete(name);
      this.#wake();
    }
  }

  async #end(name: string): Promise<boolean> {
    const { records, maker, log } = this.deps;
    if (this.#active?.name === name) {
      this.#active.abort.abort(new SlacklineError('submission_abandoned', `The submission of ${name} was given up`));
      await this.#active.ended;
    }
    this.#forgetting.get(name)?.();
    // It may have been published at the last moment.
    const left = records.get(name);
    if (left === undefined) return false;
    await maker.discard(left);
    await this.#remove(left);
    log.info({ model: name, submission: left.digest }, 'submission given up');
    return true;
  }

  /** Removes the files, then the record: whoever takes over in between does it again. */
  async #remove({ name, files }: SubmissionRecord): Promise<void> {
    await this.deps.files.release(files, () => this.#needed(name));
    await this.deps.records.remove(name);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const next = this.deps.records.pending().find(({ name }) => !this.#ending.has(name));
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          if (this.#stopped) resolve();
        });
        continue;
      }
      const abort = new AbortController();
      const ended = this.#process(next, abort.signal);
      this.#active = { name: next.name, abort, ended };
      await ended;
      this.#active = undefined;
    }
  }

  /** Never rejects. */
  async #process(record: SubmissionRecord, signal: AbortSignal): Promise<void> {
    const { maker, log, clock } = this.deps;
    for (let attempt = 1; ; attempt++) {
      try {
        await maker.make(record, signal);
        await this.#remove(record);
        log.info({ model: record.name, submission: record.digest }, 'submission published');
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error) || attempt === attempts) {
          log.error({ model: record.name, submission: record.digest, err: error }, 'a submission failed');
          return await this.#failSurely(record, error, signal);
        }
        log.warn({ model: record.name, attempt, err: error }, 'a submission is tried again');
        await pause(clock, retryMs * attempt, signal);
      }
    }
  }

  /** Until the bus has taken it, nobody who follows the submission knows of its end. Never rejects. */
  async #failSurely(record: SubmissionRecord, error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.deps;
    while (!signal.aborted) {
      try {
        return await this.#fail(record, error);
      } catch (cause) {
        log.warn({ model: record.name, err: cause }, 'a failure could not be told; trying again');
        await pause(clock, retryMs, signal);
      }
    }
  }

  /** What it has left goes before its reason is told: a profiler that takes over does nothing more for one that failed. */
  async #fail(record: SubmissionRecord, error: unknown): Promise<void> {
    const { records, maker } = this.deps;
    const reason = error instanceof Error ? error.message : String(error);
    const coded = error instanceof SlacklineError ? error : new SlacklineError('submission_failed', reason);
    const { code, message } = coded;
    await maker.discard(records.get(record.name) ?? record);
    const failed = await records.update(record, {
      state: 'failed',
      stage: 'failed',
      leftMs: null,
      error: { code, message, at: new Date().toISOString() },
    });
    await this.#releaseFiles(failed);
    this.#forgetLater(failed);
  }

  /** Uploads expire with the bucket; those of pending submissions must not. */
  #renewLater(afterMs: number): void {
    const { clock, files, log } = this.deps;
    this.#cancelRenewal = clock.after(afterMs, () => {
      this.#renewLater(renewEveryMs);
      const renewed = this.#inTurn(() => files.renew(this.#needed()));
      renewed.catch((err: unknown) => log.warn({ err }, 'the files of pending submissions could not be renewed'));
    });
  }

  #forgetLater({ name, digest, error }: SubmissionRecord): void {
    const { clock, records, log } = this.deps;
    const ageMs = Math.max(0, Date.now() - Date.parse(error?.at ?? ''));
    const forget = async () => {
      this.#forgetting.delete(name);
      if (records.get(name)?.digest === digest) await records.remove(name);
    };
    const cancel = clock.after(Math.max(0, failureKeptMs - (Number.isNaN(ageMs) ? 0 : ageMs)), () => {
      this.#inTurn(forget).catch((cause: unknown) => log.warn({ err: cause }, 'a failure is not forgotten'));
    });
    this.#forgetting.set(name, () => {
      cancel();
      this.#forgetting.delete(name);
    });
  }
}

/** What can be told of the request alone, before anything waits for it. */
function checkBriefly({ name, files }: SubmitRequest): void {
  if (!namePattern.test(name)) {
    throw new SlacklineError('invalid_name', `The model’s name is ${quote(name)} (${name.length} characters)`);
  }
  checkSizes(files);
}

/** Whether the bus, not the submission, is at fault: then the same may succeed later. */
function isPassing(error: unknown): boolean {
  return error instanceof SlacklineError && error.retryable && error.code !== 'submission_incomplete';
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
