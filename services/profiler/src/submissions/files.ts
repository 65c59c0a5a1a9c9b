/** The files of submissions: in the object store under their digests, and in a folder while one is worked on. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Log,
  largestFileBytes,
  type ObjectBucket,
  partTitles,
  SlacklineError,
  type SubmissionPart,
  type SubmittedFile,
  type SubmittedFiles,
  submissionParts,
} from '@slackline/shared';

type NamedFile = [part: SubmissionPart, file: SubmittedFile];

/** The files that a submission has, with the parts that they are. */
export function filesOf(files: SubmittedFiles): NamedFile[] {
  return submissionParts.flatMap((part): NamedFile[] => {
    const file = files[part];
    return file === undefined ? [] : [[part, file]];
  });
}

function digestsOf(files: SubmittedFiles): Set<string> {
  return new Set(filesOf(files).map(([, { digest }]) => digest));
}

/** Refuses what is too large to be read, before anything of it is fetched. Throws `model_too_large`. */
export function checkSizes(files: SubmittedFiles): void {
  for (const [part, { bytes }] of filesOf(files)) {
    if (bytes <= largestFileBytes) continue;
    const what = `The ${partTitles[part]} has ${bytes} bytes, and at most ${largestFileBytes} can be read`;
    throw new SlacklineError('model_too_large', what);
  }
}

/** The process id of the profiler that made it follows. */
const folderPrefix = 'slackline-submission-';

/** Removes the folders of profilers on this machine that were killed. What is another user's stays. */
export async function sweepFolders(log: Pick<Log, 'warn'>): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = Number(new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch((error: unknown) => {
      log.warn({ err: error, folder: name }, 'the folder of a profiler that was killed could not be removed');
    });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Well within `uploadMaxAgeMs`, and within the day after which buckets of earlier versions forget. */
export const renewAfterMs = 12 * 60 * 60 * 1_000;

export class Files {
  constructor(private readonly objects: ObjectBucket) {}

  /** Throws `submission_incomplete`, naming the files that are not there in their full size. */
  async checkPresent(files: SubmittedFiles): Promise<void> {
    const missing: string[] = [];
    for (const [part, { digest, bytes }] of filesOf(files)) {
      if ((await this.objects.size(digest)) !== bytes) missing.push(`the ${partTitles[part]} (${digest})`);
    }
    if (missing.length === 0) return;
    throw new SlacklineError('submission_incomplete', `The object store does not hold ${missing.join(', ')}`);
  }

  /**
   * Fetches the files into a folder of their own, calls `work` with it, and removes it.
   * Throws `submission_incomplete` when a file has gone or is not what its name says.
   */
  async inFolder<T>(files: SubmittedFiles, work: (directory: string) => Promise<T>): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
    try {
      for (const [part, file] of filesOf(files)) await this.#fetch(part, file, join(directory, part));
      return await work(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  /** Removes the files, but for those that one of `others` needs by then. */
  async release(files: SubmittedFiles, others: () => readonly SubmittedFiles[]): Promise<void> {
    for (const digest of digestsOf(files)) {
      const isNeeded = others().some((other) => digestsOf(other).has(digest));
      if (!isNeeded) await this.objects.delete(digest);
    }
  }

  /**
   * Stores the files anew that are needed and would soon be too old for the bucket: what waits does not expire. Called well
   * more often than that.
   */
  async renew(needed: readonly SubmittedFiles[]): Promise<void> {
    const digests = new Set(needed.flatMap((files) => [...digestsOf(files)]));
    for (const [name, storedAtMs] of await this.objects.storedAtMs()) {
      if (!digests.has(name) || Date.now() - storedAtMs < renewAfterMs) continue;
      const data = await this.objects.get(name);
      if (data !== undefined) await this.objects.put(name, data);
    }
  }

  /** Piece by piece: a file may be larger than what the profiler should hold. */
  async #fetch(part: SubmissionPart, { digest, bytes }: SubmittedFile, path: string): Promise<void> {
    const pieces = await this.objects.read(digest);
    const hash = createHash('sha256');
    let read = 0;
    async function* hashed(from: AsyncIterable<Uint8Array>) {
      for await (const piece of from) {
        read += piece.length;
        if (read > bytes) return;
        hash.update(piece);
        yield piece;
      }
    }
    if (pieces !== undefined) await writeFile(path, hashed(pieces));
    const found = read > bytes ? 'another one' : hash.digest('hex');
    if (pieces !== undefined && found === digest) return;
    const why = pieces === undefined ? 'is gone from the object store' : `has the digest ${found}`;
    throw new SlacklineError('submission_incomplete', `The ${partTitles[part]} (${digest}) ${why}`);
  }
}
