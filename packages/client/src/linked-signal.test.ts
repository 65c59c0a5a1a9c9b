import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { linkedSignal } from './linked-signal.js';

const listeners = (signals: readonly AbortSignal[]) =>
  signals.map((signal) => getEventListeners(signal, 'abort').length);

describe('a linked signal', () => {
  it('aborts with the first of its signals, whichever it is', () => {
    for (const first of [0, 1]) {
      const sources = [new AbortController(), new AbortController()];
      const { signal } = linkedSignal(sources.map((source) => source.signal));
      expect(signal.aborted).toBe(false);
      sources[first]?.abort();
      expect(signal.aborted).toBe(true);
      expect(listeners(sources.map((source) => source.signal))).toEqual([0, 0]);
    }
  });

  it('is aborted from the beginning where one of them is', () => {
    const living = new AbortController();
    expect(linkedSignal([living.signal, AbortSignal.abort()]).signal.aborted).toBe(true);
    expect(listeners([living.signal])).toEqual([0]);
  });

  it('leaves nothing behind on a signal that lives on', () => {
    const client = new AbortController();
    for (let call = 0; call < 100; call++) linkedSignal([client.signal, new AbortController().signal]).unlink();
    expect(listeners([client.signal])).toEqual([0]);
  });
});
