/**
 * The official nats-server binary, downloaded once into the checkout's cache and checked against pinned SHA-256 sums.
 *
 * The sums are those of the release's own SHA256SUMS. To move to another version change both constants together.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { run } from './run.js';

export const RELEASE_VERSION = '2.12.8';

/** SHA-256 of `nats-server-v<version>-<platform>.tar.gz`. */
const SHA256_BY_PLATFORM: Readonly<Record<string, string>> = {
  'linux-amd64': '6abc397684567e133649688a13564ad6de786d64e88253fbb4f6a3aa8c2fca63',
  'linux-arm64': '7d20e93c23924cdd5cb6ec51c92f9478c97f9c8a0dbe049dd7ab88af115d622c',
  'darwin-amd64': '8880e133f45c6974468d351425db9a73ffe3b569850cad2bfbaa349d80939a7f',
  'darwin-arm64': '4556a7f617eb532587790344629a6a95261099b236524b764d1f10d6c14aba1a',
};

/** How long the host may take to answer, and then to send the next bytes, before it counts as out of reach. */
const SILENCE_LIMIT_MS = 5_000;

/** The part of `fetch` that is used here; injected in tests. */
export type Fetcher = (url: string, init: { signal: AbortSignal }) => Promise<Response>;

export interface ReleaseOptions {
  cacheDir: string;
  /** `linux-amd64` …: see {@link releasePlatform}. */
  platform: string;
  fetcher: Fetcher;
  onProgress: (message: string) => void;
  /** Expected sums; tests inject their own. */
  sha256ByPlatform?: Readonly<Record<string, string>>;
}

/** Node's names for platform and processor in the release's words: `linux`, `x64` -> `linux-amd64`. */
export function releasePlatform(platform: NodeJS.Platform, arch: string): string {
  return `${platform}-${arch === 'x64' ? 'amd64' : arch}`;
}

/** Where the downloaded binary lies once it is there. */
export function releaseBinary(cacheDir: string, platform: string): string {
  return join(cacheDir, `nats-server-v${RELEASE_VERSION}-${platform}`);
}

/**
 * Downloads, checks and unpacks the binary; returns its path. Nothing half-written ever has the final name, and two
 * processes that do this at once only do it twice.
 * @throws Error if the platform has no pinned sum, the host is out of reach, or the archive is not what was pinned
 */
export async function fetchRelease(options: ReleaseOptions): Promise<string> {
  const { cacheDir, platform } = options;
  const expected = (options.sha256ByPlatform ?? SHA256_BY_PLATFORM)[platform];
  if (expected === undefined) throw new Error(`no nats-server release is pinned for ${platform}`);

  const name = `nats-server-v${RELEASE_VERSION}-${platform}`;
  const url = `https://github.com/nats-io/nats-server/releases/download/v${RELEASE_VERSION}/${name}.tar.gz`;
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, '.fetch-'));
  try {
    const archive = join(work, 'archive.tar.gz');
    const actual = await download(url, archive, options);
    if (actual !== expected) throw new Error(`${url} has SHA-256 ${actual}, expected ${expected}`);
    await run('tar', ['-xzf', archive, '-C', work, `${name}/nats-server`]);
    const binary = join(work, name, 'nats-server');
    await chmod(binary, 0o755);
    await rename(binary, releaseBinary(cacheDir, platform));
    return releaseBinary(cacheDir, platform);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Writes the body of `url` to `file` and returns its SHA-256 in hex. */
async function download(url: string, file: string, { fetcher, onProgress }: ReleaseOptions): Promise<string> {
  const aborter = new AbortController();
  const tooSilent = () => aborter.abort(new Error(`no answer within ${SILENCE_LIMIT_MS} ms`));
  let watchdog = setTimeout(tooSilent, SILENCE_LIMIT_MS);
  try {
    const response = await fetcher(url, { signal: aborter.signal });
    if (!response.ok || response.body === null) throw new Error(`${url} answered ${response.status}`);

    const totalBytes = Number(response.headers.get('content-length') ?? 0);
    const sha256 = createHash('sha256');
    let receivedBytes = 0;
    const watch = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(watchdog);
        watchdog = setTimeout(tooSilent, SILENCE_LIMIT_MS);
        sha256.update(chunk);
        receivedBytes += chunk.length;
        onProgress(`downloading nats-server ${RELEASE_VERSION}: ${megabytes(receivedBytes, totalBytes)}`);
        done(null, chunk);
      },
    });
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    await pipeline(body, watch, createWriteStream(file), {
      signal: aborter.signal,
    });
    return sha256.digest('hex');
  } catch (error) {
    // fetch says only "fetch failed"; why is in its cause.
    const reason: unknown = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${url}: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: error });
  } finally {
    clearTimeout(watchdog);
  }
}

function megabytes(received: number, total: number): string {
  const inMb = (bytes: number) => (bytes / 1e6).toFixed(1);
  return total > 0 ? `${inMb(received)} of ${inMb(total)} MB` : `${inMb(received)} MB`;
}
