/** The records of submissions in KV: what a profiler that takes over goes on from, and what clients follow. */
import {
  type Clock,
  type KeyBucket,
  type Log,
  parseValue,
  readAll,
  type SubmissionRecord,
  submissionRecord,
} from '@slackline/shared';

/** Progress is written at most this often. */
const progressEveryMs = 500;

export class Records {
  readonly #records = new Map<string, SubmissionRecord>();
  #toldAtMs = Number.NEGATIVE_INFINITY;
  /** Writes come one after the other: an older state never overtakes a newer one. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly keys: KeyBucket,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Reads what is there. A record that cannot be read is removed: nobody could finish it. */
  static async open(keys: KeyBucket, clock: Clock, log: Log): Promise<Records> {
    const records = new Records(keys, clock, log);
    for (const [name, value] of await readAll(keys)) {
      const record = parseValue(value, submissionRecord);
      if (record?.name === name) records.#records.set(name, record);
      else {
        log.warn({ model: name }, 'removed a record of a submission that cannot be read');
        await keys.delete(name);
      }
    }
    return records;
  }

  get(name: string): SubmissionRecord | undefined {
    return this.#records.get(name);
  }

  all(): SubmissionRecord[] {
    return [...this.#records.values()];
  }

  /** Those that are not finished, in the order in which they were submitted. */
  pending(): SubmissionRecord[] {
    const pending = this.all().filter(({ state }) => state !== 'failed');
    return pending.sort((a, b) => (a.submittedAt < b.submittedAt ? -1 : 1));
  }

  async put(record: SubmissionRecord): Promise<void> {
    this.#records.set(record.name, record);
    await this.#write(() => this.keys.put(record.name, Buffer.from(JSON.stringify(record))));
  }

  /** Changes a record that is there, and was submitted as `digest`. Resolves with it as it is then. */
  async update(record: SubmissionRecord, change: Partial<SubmissionRecord>): Promise<SubmissionRecord> {
    const present = this.#records.get(record.name);
    if (present?.digest !== record.digest) return { ...record, ...change };
    const changed = { ...present, ...change };
    await this.put(changed);
    return changed;
  }

  /** Tells how far a submission is; what is lost of it, or comes too often, does not matter. */
  progress(record: SubmissionRecord, change: Pick<SubmissionRecord, 'stage' | 'shareDone' | 'leftMs'>): void {
    const now = this.clock.now();
    const sameStage = this.#records.get(record.name)?.stage === change.stage;
    if (sameStage && now - this.#toldAtMs < progressEveryMs) return;
    this.#toldAtMs = now;
    this.update(record, change).catch((error: unknown) => this.log.warn({ err: error }, 'progress could not be told'));
  }

  async remove(name: string): Promise<void> {
    this.#records.delete(name);
    await this.#write(() => this.keys.delete(name));
  }

  #write<T>(write: () => Promise<T>): Promise<T> {
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => {});
    return written;
  }
}
