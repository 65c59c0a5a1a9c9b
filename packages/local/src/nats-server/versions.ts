/**
 * nats-servers of several versions, for tests: the one that is installed, and those of Debian's releases, from the mirror that
 * this machine's apt already uses. They are unpacked into the checkout's cache; nothing is installed, and no source of the
 * machine's own is changed: apt is given lists and a sources file of our own.
 */
import { access, constants, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.js';
import { inCheckout } from '../paths.js';
import { findNatsBinary, versionOf } from './find.js';
import { type Runner, run as runCommand } from './run.js';

/** Debian's releases with the nats-server that each has: 2.9, 2.10, and a newer one that moves on. */
export const debianReleases = ['bookworm', 'trixie', 'forky'] as const;

/** A version that can be tested with, or why it cannot. */
export type NatsVersion = { from: string } & ({ path: string; version: string } | { why: string });

export interface VersionsOptions {
  /** Default `.cache/nats-server` of the checkout. */
  cacheDir?: string;
  releases?: readonly string[];
  /** Limit of fetching each. Default 60 s. */
  limitMs?: number;
  /** Replaces running programs, for tests. */
  run?: Runner;
}

/** The versions, each once: one that is there already is not looked for a second time. Never rejects. */
export async function natsVersions(options: VersionsOptions = {}): Promise<NatsVersion[]> {
  const { releases = debianReleases } = options;
  const found: NatsVersion[] = [];
  for (const from of ['this machine', ...releases]) {
    const version = await versionFrom(from, options).catch((error: unknown) => ({ from, why: messageOf(error) }));
    const isKnown = found.some(
      (other) => 'version' in other && 'version' in version && other.version === version.version,
    );
    if (!isKnown) found.push(version);
  }
  return found;
}

async function versionFrom(from: string, options: VersionsOptions): Promise<NatsVersion> {
  if (from === 'this machine') return { ...(await findNatsBinary()), from };
  const run = options.run ?? runCommand;
  const path = await debianBinary(from, { ...options, run });
  return { from: `Debian ${from}`, path, version: await versionOf(path, run) };
}

async function debianBinary(release: string, options: VersionsOptions & { run: Runner }): Promise<string> {
  const folder = join(options.cacheDir ?? inCheckout('.cache/nats-server'), `debian-${release}`);
  const binary = join(folder, 'nats-server');
  const isThere = await access(binary, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (isThere) return binary;
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, '.apt-'));
  try {
    const packageFile = await download(release, work, options);
    await options.run('dpkg-deb', ['-x', packageFile, join(work, 'root')]);
    const copy = join(work, 'nats-server');
    await copyFile(join(work, 'root', 'usr', 'sbin', 'nats-server'), copy);
    await rename(copy, binary);
    return binary;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** apt checks the release's signature, and the package's sum against the release's lists. */
async function download(release: string, work: string, { run, limitMs = 60_000 }: VersionsOptions & { run: Runner }) {
  const sources = join(work, 'sources.list');
  await writeFile(sources, `deb ${await mirror(run)} ${release} main\n`);
  await mkdir(join(work, 'lists', 'partial'), { recursive: true });
  await mkdir(join(work, 'cache', 'archives', 'partial'), { recursive: true });
  const settings = {
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::http::Timeout': '5',
    'Acquire::https::Timeout': '5',
    'Acquire::Retries': '0',
    // Without another user, who could not write here.
    'APT::Sandbox::User': 'root',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const apt = (args: readonly string[]) => run('apt-get', ['-q', ...flags, ...args], { cwd: work, timeoutMs: limitMs });
  await apt(['update']);
  await apt(['download', 'nats-server']);
  const file = (await readdir(work)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get downloaded no package');
  return join(work, file);
}

/** Where this machine gets Debian's own packages from. */
async function mirror(run: Runner): Promise<string> {
  const format = '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(SITE)';
  const targets = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const debian = targets.split('\n').map((line) => line.trim().split('|'));
  const found = debian.find(
    ([origin, label, component]) => origin === 'Debian' && label === 'Debian' && component === 'main',
  );
  const [, , , site] = found ?? [];
  if (site === undefined) throw new Error('this machine’s apt has no source of Debian’s packages');
  return site;
}
