import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { endingAtOnce, Interrupted, unlessAborted } from './interrupt.js';

describe('waiting unless interrupted', () => {
  it('gives what came first', async () => {
    const stop = new AbortController();
    expect(await unlessAborted(stop.signal, Promise.resolve('done'))).toBe('done');
    const waiting = unlessAborted(stop.signal, new Promise(() => {}));
    stop.abort(new Interrupted(130));
    await expect(waiting).rejects.toMatchObject({ exitCode: 130 });
  });

  it('gives the interruption that was there before, and leaves no rejection of the other unhandled', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const gone = Promise.reject(new Error('the connection was closed'));
    await expect(unlessAborted(AbortSignal.abort(new Interrupted(130)), gone)).rejects.toBeInstanceOf(Interrupted);
    // Unhandled rejections are told after the microtasks of this turn.
    await new Promise(setImmediate);
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });
});

describe('work that hears nothing', () => {
  it('is ended by the first signal', async () => {
    const program = `
      import { writeSync } from 'node:fs';
      const { endingAtOnce, interruptSignal } = await import(${JSON.stringify(compiled)});
      interruptSignal();
      endingAtOnce(() => { writeSync(1, 'working'); for (;;); });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([null, 'SIGINT']);
  }, 30_000);

  it('leaves every listener as it was', () => {
    const listener = () => {};
    process.on('SIGHUP', listener);
    const before = process.listeners('SIGHUP');
    expect(endingAtOnce(() => process.listenerCount('SIGHUP'))).toBe(0);
    expect(process.listeners('SIGHUP')).toEqual(before);
    process.off('SIGHUP', listener);
  });
});

/** Whoever hears signals is a process of its own, and so runs what was compiled. */
const compiled = new URL('../dist/interrupt.js', import.meta.url).href;
