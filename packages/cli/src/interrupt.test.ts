import { describe, expect, it } from 'vitest';
import { Interrupted, unlessAborted } from './interrupt.js';

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
