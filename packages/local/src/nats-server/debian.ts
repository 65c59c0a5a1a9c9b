/**
 * The distribution's nats-server package, unpacked into the checkout's cache: nothing is installed, no right is needed.
 */
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Runner } from './run.js';

/**
 * apt must give up on a closed network in seconds; unpacking as root needs no `_apt` user, who could not write here.
 */
const APT_OPTIONS = [
  '-q',
  '-o',
  'Acquire::http::Timeout=5',
  '-o',
  'Acquire::https::Timeout=5',
  '-o',
  'Acquire::Retries=0',
];
const AS_ROOT = ['-o', 'APT::Sandbox::User=root'];

export interface DebianOptions {
  cacheDir: string;
  run: Runner;
  onProgress: (message: string) => void;
}

/** Where the unpacked binary lies once it is there. */
export function debianBinary(cacheDir: string): string {
  return join(cacheDir, 'nats-server-debian');
}

/**
 * Downloads and unpacks the package; returns the binary's path.
 * @throws Error if there is no apt, or the package cannot be had
 */
export async function fetchDebianPackage({ cacheDir, run, onProgress }: DebianOptions): Promise<string> {
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, '.apt-'));
  try {
    onProgress('downloading the nats-server package of this distribution');
    const packageFile = await downloadPackage(work, run, onProgress);
    await run('dpkg-deb', ['-x', packageFile, join(work, 'root')]);
    // Copied to a neighbour first: only a rename makes the final name appear at once.
    const copy = join(work, 'nats-server');
    await copyFile(join(work, 'root', 'usr', 'sbin', 'nats-server'), copy);
    await chmod(copy, 0o755);
    await rename(copy, debianBinary(cacheDir));
    return debianBinary(cacheDir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function downloadPackage(work: string, run: Runner, onProgress: (message: string) => void): Promise<string> {
  const apt = (args: readonly string[]) => run('apt-get', [...APT_OPTIONS, ...AS_ROOT, ...args], { cwd: work });
  try {
    await apt(['download', 'nats-server']);
  } catch {
    // The machine's package lists are missing or old: fetch lists of our own, which any user may.
    onProgress('fetching package lists');
    const lists = ['-o', `Dir::State::Lists=${join(work, 'lists')}`, '-o', `Dir::Cache=${join(work, 'cache')}`];
    await mkdir(join(work, 'lists', 'partial'), { recursive: true });
    await mkdir(join(work, 'cache', 'archives', 'partial'), {
      recursive: true,
    });
    await apt([...lists, 'update']);
    await apt([...lists, 'download', 'nats-server']);
  }
  const file = (await readdir(work)).find((name) => name.endsWith('.deb'));
  if (file === undefined) throw new Error('apt-get downloaded no package');
  return join(work, file);
}
