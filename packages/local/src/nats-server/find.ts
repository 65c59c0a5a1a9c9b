/**
 * Finds a nats-server, or fetches one: a running one (NATS_URL), one on PATH, one fetched earlier, the official
 * release, the distribution's package; in this order.
 */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { SlacklineError } from '@slackline/shared';
import { messageOf } from '../errors.js';
import { inCheckout } from '../paths.js';
import { debianBinary, fetchDebianPackage } from './debian.js';
import { type Fetcher, fetchRelease, releaseBinary, releasePlatform } from './release.js';
import { type Runner, run as runCommand } from './run.js';

/** A nats-server that can be started. */
export interface NatsBinary {
  /** Absolute path. */
  path: string;
  /** `2.12.8` */
  version: string;
  from: 'installed' | 'cache' | 'release' | 'debian';
}

/** A server that already runs and is not ours to stop, or a binary that can be started. */
export type FoundNatsServer = { kind: 'running'; url: string } | ({ kind: 'binary' } & NatsBinary);

export interface FindOptions {
  /** Where NATS_URL and PATH are read. Default `process.env`. */
  env?: NodeJS.ProcessEnv;
  /** Folders looked at after PATH: a plain user's PATH often lacks `sbin`, where Debian installs it. */
  extraFolders?: readonly string[];
  /** Where fetched binaries are kept. Default `.cache/nats-server` of the checkout. */
  cacheDir?: string;
  platform?: NodeJS.Platform;
  arch?: string;
  /** Told what happens, in words for a human. */
  onProgress?: (message: string) => void;
  /** Replaces `fetch`, for tests. */
  fetcher?: Fetcher;
  /** Replaces running programs, for tests. */
  run?: Runner;
  /** Replaces the release's pinned sums, for tests. */
  sha256ByPlatform?: Readonly<Record<string, string>>;
}

/** Object stores and consumers as this system uses them came with 2.9. */
const OLDEST = { major: 2, minor: 9 } as const;
const SBIN_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin', '/opt/homebrew/bin'];

/** @throws SlacklineError `nats_server_missing`: see {@link findNatsBinary} */
export async function findNatsServer(options: FindOptions = {}): Promise<FoundNatsServer> {
  const { NATS_URL } = options.env ?? process.env;
  if (NATS_URL) return { kind: 'running', url: NATS_URL };
  return { kind: 'binary', ...(await findNatsBinary(options)) };
}

/** @throws SlacklineError `nats_server_missing`, with everything that was tried and why it did not serve */
export async function findNatsBinary(options: FindOptions = {}): Promise<NatsBinary> {
  const run = options.run ?? runCommand;
  const tried: string[] = [];
  for (const place of places(options, run)) {
    try {
      const path = await place.look();
      if (path !== undefined) return { path, version: await versionOf(path, run), from: place.from };
    } catch (error) {
      tried.push(`${place.name}: ${messageOf(error)}`);
    }
  }
  const what = `No nats-server is installed, and none could be fetched (${tried.join('; ')})`;
  throw new SlacklineError('nats_server_missing', what);
}

interface Place {
  from: NatsBinary['from'];
  /** What a human calls it. */
  name: string;
  /** Path of the binary; undefined if there is none. Rejects where one should have been had. */
  look: () => Promise<string | undefined>;
}

function places(options: FindOptions, run: Runner): Place[] {
  const { env = process.env, extraFolders = SBIN_FOLDERS, cacheDir = inCheckout('.cache/nats-server') } = options;
  const { onProgress = () => undefined, fetcher = fetch, sha256ByPlatform } = options;
  const platform = releasePlatform(options.platform ?? process.platform, options.arch ?? process.arch);

  const folders = [...(env.PATH ?? '').split(delimiter), ...extraFolders].filter((folder) => folder !== '');
  const installed = [...new Set(folders)].map((folder) => join(folder, 'nats-server'));
  const release = { cacheDir, platform, fetcher, onProgress, ...(sha256ByPlatform && { sha256ByPlatform }) };
  return [
    ...installed.map((path): Place => ({ from: 'installed', name: 'installed', look: () => ifExecutable(path) })),
    { from: 'cache', name: 'fetched earlier', look: () => ifExecutable(releaseBinary(cacheDir, platform)) },
    { from: 'cache', name: 'fetched earlier', look: () => ifExecutable(debianBinary(cacheDir)) },
    { from: 'release', name: 'official release', look: () => fetchRelease(release) },
    {
      from: 'debian',
      name: "this distribution's package",
      look: () => fetchDebianPackage({ cacheDir, run, onProgress }),
    },
  ];
}

async function ifExecutable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}

/** Asks the binary itself: one for another processor, or too old, is as good as none. */
export async function versionOf(path: string, run: Runner): Promise<string> {
  const said = await run(path, ['--version'], { timeoutMs: 5_000 });
  const version = /(\d+)\.(\d+)\.\S+/.exec(said);
  if (version === null) throw new Error(`${path} --version said ${JSON.stringify(said.trim())}`);
  const [text, major, minor] = version;
  const isOld = Number(major) < OLDEST.major || (Number(major) === OLDEST.major && Number(minor) < OLDEST.minor);
  if (isOld) throw new Error(`${path} is ${text}, older than ${OLDEST.major}.${OLDEST.minor}`);
  return text;
}
