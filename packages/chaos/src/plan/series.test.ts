import { describe, expect, it } from 'vitest';
import { faultName, readSeries } from './series.js';

describe('the text of a fault', () => {
  it('is a role, and what differs from the ordinary', () => {
    expect(readSeries('kill', 'worker')).toEqual({ kind: 'kill', role: 'worker' });
    expect(readSeries('kill', 'scheduler:every=12s,from=500ms,count=4,restore=1.5s')).toEqual({
      ...{ kind: 'kill', role: 'scheduler', everyMs: 12_000, fromMs: 500, count: 4, restoreMs: 1_500 },
    });
    expect(readSeries('pause', 'nats:for=1m')).toMatchObject({ forMs: 60_000 });
    expect(readSeries('cut', 'ingest:delay=20ms,for=3')).toMatchObject({
      ...{ cut: { kind: 'delay', delayMs: 20 }, forMs: 3_000 },
    });
    expect(readSeries('cut', 'worker:half-open=out')).toMatchObject({ cut: { kind: 'half-open', silent: 'out' } });
  });

  it.each([
    ['kill', ''],
    ['kill', 'gpu'],
    ['kill', 'worker:every=0s'],
    ['kill', 'worker:every=12x'],
    ['kill', 'worker:count=0'],
    ['kill', 'worker:for=2s'],
    ['pause', 'worker:restore=2s'],
    ['pause', 'worker:drop'],
    ['cut', 'worker:drop=3'],
    ['cut', 'worker:half-open=both'],
    ['cut', 'worker:delay=20'],
    ['restart', 'worker:for=2s'],
    ['kill', 'worker:every=1s:count=3'],
    ['kill', 'worker:every=1s=2s'],
  ] as const)('of %s refuses %j, and says what it takes', (kind, text) => {
    expect(() => readSeries(kind, text)).toThrow(/^takes a role \(worker, scheduler, ingest, nats\)/);
  });

  it('names the part that is wrong, and nothing that this fault does not take', () => {
    const message = (kind: 'kill' | 'cut', text: string) => {
      try {
        return String(readSeries(kind, text));
      } catch (error) {
        return error instanceof RangeError ? error.message : String(error);
      }
    };
    expect(message('kill', 'worker:count=2,for=3s')).toMatch(
      /after a colon, where "for=3s" cannot stand, any of every=12s, from=3s, count=4, restore=1s$/,
    );
    expect(message('kill', 'worker:for=3s')).not.toContain('for=2s');
    expect(message('kill', 'worker:every=0s')).toMatch(/where "every=0s" cannot stand/);
    expect(message('cut', 'worker:foo=3')).toMatch(/where "foo=3" cannot stand, .*half-open=out$/);
  });

  it('has a name for a person', () => {
    expect(faultName(readSeries('cut', 'scheduler:for=2s,half-open=in'))).toBe('cut scheduler (half-open=in)');
    expect(faultName(readSeries('cut', 'worker:delay=20ms'))).toBe('cut worker (delay=20ms)');
    expect(faultName(readSeries('kill', 'nats'))).toBe('kill nats');
  });
});
