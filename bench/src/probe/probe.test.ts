import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { Meter } from './measure.js';
import { ownName, Probes } from './probes.js';

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

/** A process that says when it runs, and then goes on allocating. */
const busy = `
  let kept;
  const work = () => { for (let i = 0; i < 50_000; i++) kept = { i, text: 'x'.repeat(i % 9) + i }; };
  setInterval(work, 1);
  process.send('runs');
  process.on('disconnect', () => process.exit());
`;
const idle = `process.send('runs'); process.disconnect();`;

async function started(probes: Probes, program: string, name: string): Promise<ChildProcess> {
  const args = [...probes.nodeOptions, '--input-type=module', '-e', program];
  const env = { ...process.env, ...probes.env, INSTANCE_NAME: name };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  ended.push(async () => {
    if (child.connected) child.disconnect();
    await exited;
  });
  await once(child, 'message');
  return child;
}

async function opened(): Promise<Probes> {
  const probes = await Probes.open();
  ended.push(async () => probes.close());
  return probes;
}

/** A hello crosses a socket of its own. */
async function said(probes: Probes, name: string): Promise<void> {
  while (!probes.names.includes(name)) await new Promise((resolve) => setImmediate(resolve));
}

const aMoment = () => new Promise((resolve) => setTimeout(resolve, 150));

test('measures a process from outside: what it allocates, how its event loop is held up, where its time goes', async () => {
  const probes = await opened();
  await started(probes, busy, 'busy-0');
  await said(probes, 'busy-0');
  const heap = await probes.during('heap', ['busy-0', ownName], aMoment);
  // Some 100 bytes an object: it is the order that counts.
  expect(heap.measured['busy-0']?.allocatedBytes).toBeGreaterThan(100_000);
  expect(heap.measured[ownName]?.allocatedBytes).toBeGreaterThanOrEqual(0);
  const delay = await probes.during('delay', ['busy-0'], aMoment);
  expect(delay.measured['busy-0']?.maxMs).toBeGreaterThanOrEqual(delay.measured['busy-0']?.p50Ms ?? Number.NaN);
  const cpu = await probes.during('cpu', ['busy-0'], aMoment);
  const names = cpu.measured['busy-0']?.nodes.map(({ callFrame }) => callFrame.functionName);
  expect(names).toContain('work');
  expect(Object.keys(cpu.measured)).toEqual(['busy-0']);
});

test('ends what it measures when the work throws, and can measure again', async () => {
  const probes = await opened();
  const failing = probes.during('delay', [ownName], () => Promise.reject(new Error('broke off')));
  await expect(failing).rejects.toThrow('broke off');
  expect((await probes.during('delay', [ownName], async () => 7)).result).toBe(7);
});

test('keeps no process alive, and says nothing of one that has ended', async () => {
  const probes = await opened();
  const child = await started(probes, idle, 'idle-0');
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(0);
  await expect
    .poll(async () => Object.keys((await probes.during('delay', ['idle-0'], async () => undefined)).measured))
    .toEqual([]);
});

test('a process without a bench to talk to runs as it would', async () => {
  const probes = await Probes.open();
  const { nodeOptions, env } = probes;
  probes.close();
  const child = spawn(process.execPath, [...nodeOptions, '-e', ''], { env: { ...process.env, ...env }, stdio: 'pipe' });
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
});

test('measures one thing of a kind at a time', async () => {
  const meter = new Meter();
  await meter.start('delay');
  await expect(meter.start('delay')).rejects.toThrow('already');
  await meter.stop('delay');
  await expect(meter.stop('delay')).rejects.toThrow('not being measured');
});
