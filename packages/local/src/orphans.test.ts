/** Nothing that was started outlives the process that started it. The parent runs the compiled package: build first. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { inCheckout } from './paths.js';
import { TemporaryFolder } from './temporary-folder.js';

const HELD = ['steady', 'deaf', 'never-ready'].length;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanups.splice(0).reverse()) cleanUp();
});

describe('a parent that ends', () => {
  it.each([
    ['in order', (parent: ChildProcess) => parent.send('exit')],
    ['by an uncaught error', (parent: ChildProcess) => parent.send('throw')],
    ['by SIGINT', (parent: ChildProcess) => parent.kill('SIGINT')],
    ['by SIGTERM', (parent: ChildProcess) => parent.kill('SIGTERM')],
  ])('%s leaves no process and no store', async (_how, end) => {
    const { parent, natsServer, services, storeDir } = await startParent();
    expect(existsSync(storeDir)).toBe(true);
    end(parent);
    await Promise.all([closed(natsServer), ...services.map(closed)]);
    await ended(parent);
    expect(existsSync(storeDir)).toBe(false);
  });

  it.runIf(process.platform === 'linux')('by SIGKILL leaves no process, and its store to the next start', async () => {
    // Of its own: whoever starts something beside this test would find the store too.
    const temporary = mkdtempSync(join(tmpdir(), 'orphans-'));
    vi.stubEnv('TMPDIR', temporary);
    cleanups.push(() => rmSync(temporary, { recursive: true }));
    cleanups.push(() => vi.unstubAllEnvs());
    const { parent, natsServer, services, storeDir } = await startParent();
    const living = new TemporaryFolder('test');
    cleanups.push(() => living.remove());
    parent.kill('SIGKILL');
    await Promise.all([ended(parent), closed(natsServer), ...services.map(closed)]);
    expect(existsSync(storeDir)).toBe(true);

    const next = new TemporaryFolder('test');
    cleanups.push(() => next.remove());
    expect(existsSync(storeDir)).toBe(false);
    expect(existsSync(living.path)).toBe(true);
  });
});

/** Starts the fixture, and resolves when all it starts is there and holds a connection. */
async function startParent() {
  const holder = createServer();
  const services: Socket[] = [];
  const allHeld = new Promise<void>((resolve) => {
    holder.on('connection', (socket) => {
      // A process that is killed resets the connection: as good as closing it.
      socket.on('error', () => undefined).resume();
      if (services.push(socket) === HELD) resolve();
    });
  });
  holder.listen(0, '127.0.0.1');
  await once(holder, 'listening');
  cleanups.push(() => holder.close());

  const { port: holdPort } = holder.address() as AddressInfo;
  const parent = fork(inCheckout('packages/local/fixtures/parent.js'), {
    env: { ...process.env, HOLD_PORT: String(holdPort) },
    execArgv: [],
    silent: true,
  });
  cleanups.push(() => parent.kill('SIGKILL'));
  const [message] = await once(parent, 'message');
  const { port, storeDir } = message as { port: number; storeDir: string };
  const natsServer = connect(port, '127.0.0.1').on('error', () => undefined);
  natsServer.resume();
  await once(natsServer, 'connect');
  await allHeld;
  return { parent, natsServer, services, storeDir };
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
