import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FindOptions, findNatsBinary, findNatsServer } from './find.js';
import { RELEASE_VERSION } from './release.js';
import { run } from './run.js';

let folder: string;
let options: FindOptions;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slackline-find-'));
  options = {
    env: { PATH: join(folder, 'bin') },
    extraFolders: [],
    cacheDir: join(folder, 'cache'),
    platform: 'linux',
    arch: 'x64',
    fetcher: () => Promise.reject(new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') })),
    run: withoutApt,
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a server that is there', () => {
  it('is the one of NATS_URL, and nothing else is looked at', async () => {
    install('bin', '2.10.0');
    const found = await findNatsServer({ ...options, env: { ...options.env, NATS_URL: 'nats://broker:4222' } });
    expect(found).toEqual({ kind: 'running', url: 'nats://broker:4222' });
  });

  it('is taken from PATH, with its version', async () => {
    const path = install('bin', '2.10.27');
    expect(await findNatsServer(options)).toEqual({ kind: 'binary', path, version: '2.10.27', from: 'installed' });
  });

  it('is found in a folder that is not on PATH', async () => {
    const path = install('sbin', '2.9.10');
    const found = await findNatsBinary({ ...options, extraFolders: [join(folder, 'sbin')] });
    expect(found).toEqual({ path, version: '2.9.10', from: 'installed' });
  });

  it.each(['2.8.4', 'not a version'])('is passed over if it says %j', async (version) => {
    install('bin', version);
    const path = install('sbin', '2.11.0');
    expect(await findNatsBinary({ ...options, extraFolders: [join(folder, 'sbin')] })).toMatchObject({ path });
  });

  it('is passed over if it cannot be run', async () => {
    chmodSync(install('bin', '2.10.0'), 0o644);
    await expect(findNatsBinary(options)).rejects.toMatchObject({ code: 'nats_server_missing' });
  });
});

describe('the official release', () => {
  it('is downloaded, checked, unpacked, and found in the cache from then on', async () => {
    const archive = releaseArchive('2.12.8');
    const messages: string[] = [];
    const fetching = { ...options, ...serving(archive), onProgress: (message: string) => messages.push(message) };

    const first = await findNatsBinary(fetching);
    expect(first).toMatchObject({ version: '2.12.8', from: 'release' });
    expect(messages.at(-1)).toMatch(/^downloading nats-server .* of .* MB$/);

    const second = await findNatsBinary(options);
    expect(second).toEqual({ ...first, from: 'cache' });
    expect(readdirSync(join(folder, 'cache'))).toHaveLength(1);
  });

  it('is refused, and leaves nothing, if its checksum is another', async () => {
    const { fetcher } = serving(releaseArchive('2.12.8'));
    await expect(findNatsBinary({ ...options, fetcher })).rejects.toThrow(
      /SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/,
    );
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
  });

  it('leaves nothing if the connection breaks in the middle', async () => {
    const archive = releaseArchive('2.12.8');
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(archive.subarray(0, 100)),
      pull: (controller) => controller.error(new Error('socket hang up')),
    });
    const fetching = { ...options, ...serving(archive), fetcher: () => Promise.resolve(new Response(body)) };
    await expect(findNatsBinary(fetching)).rejects.toThrow('socket hang up');
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
  });

  it('is not asked for on a platform that has none', async () => {
    const fetching = { ...options, ...serving(releaseArchive('2.12.8')), platform: 'freebsd' as const };
    await expect(findNatsBinary(fetching)).rejects.toThrow('no nats-server release is pinned for freebsd-amd64');
  });
});

describe("the distribution's package", () => {
  it('is unpacked into the cache where the release cannot be had', async () => {
    const found = await findNatsBinary({ ...options, run: aptWith('system lists') });
    expect(found).toMatchObject({ version: '2.9.10', from: 'debian' });
    expect(await findNatsBinary(options)).toEqual({ ...found, from: 'cache' });
    expect(readdirSync(join(folder, 'cache'))).toHaveLength(1);
  });

  it('is had with package lists of our own where the machine has none', async () => {
    const messages: string[] = [];
    const onProgress = (message: string) => messages.push(message);
    const found = await findNatsBinary({ ...options, run: aptWith('no lists'), onProgress });
    expect(found).toMatchObject({ from: 'debian' });
    expect(messages).toContain('fetching package lists');
  });
});

it('says everything that was tried, and what to do, if there is no server', async () => {
  const failure: unknown = await findNatsBinary(options).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'nats_server_missing' });
  const message = String(failure);
  expect(message).toContain('official release: ');
  expect(message).toContain('getaddrinfo ENOTFOUND');
  expect(message).toContain("this distribution's package: apt-get");
  expect(message).toContain('set NATS_URL');
});

/** A program that says what `nats-server --version` says. */
function install(place: string, version: string): string {
  const path = join(folder, place, 'nats-server');
  mkdirSync(join(folder, place), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o755 });
  return path;
}

/** An archive in the form of the release's. */
function releaseArchive(version: string): Buffer {
  const name = `nats-server-v${RELEASE_VERSION}-linux-amd64`;
  install(`made/${name}`, version);
  execFileSync('tar', ['-czf', join(folder, 'release.tar.gz'), '-C', join(folder, 'made'), name]);
  return readFileSync(join(folder, 'release.tar.gz'));
}

function serving(archive: Buffer) {
  const headers = { 'content-length': String(archive.length) };
  return {
    fetcher: () => Promise.resolve(new Response(new Uint8Array(archive), { headers })),
    sha256ByPlatform: { 'linux-amd64': createHash('sha256').update(archive).digest('hex') },
  };
}

/** A machine without apt; other programs run. */
function withoutApt(...[command, ...rest]: Parameters<typeof run>): Promise<string> {
  return command === 'apt-get' ? Promise.reject(new Error('apt-get: not there')) : run(command, ...rest);
}

/** apt and dpkg-deb as far as they are used here, without a network. */
function aptWith(lists: 'system lists' | 'no lists'): typeof run {
  return async (command, args, runOptions) => {
    if (command === 'apt-get') {
      if (args.includes('download')) {
        const hasLists = lists === 'system lists' || args.some((arg) => arg.startsWith('Dir::State::Lists='));
        if (!hasLists) throw new Error('Unable to locate package nats-server');
        writeFileSync(join(runOptions?.cwd ?? folder, 'nats-server_2.9.10_amd64.deb'), 'package');
      }
      return '';
    }
    if (command === 'dpkg-deb') {
      const [, , into = ''] = args;
      mkdirSync(join(into, 'usr', 'sbin'), { recursive: true });
      const binary = join(into, 'usr', 'sbin', 'nats-server');
      writeFileSync(binary, '#!/bin/sh\necho "nats-server: v2.9.10"\n', { mode: 0o755 });
      return '';
    }
    return run(command, args, runOptions);
  };
}
