import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Fence } from './fence.js';
import { ManualClock } from './testing.js';

let clock: ManualClock;
let fence: Fence;

beforeEach(() => {
  clock = new ManualClock();
  let epochs = 0;
  fence = new Fence({ clock, deadAfterMs: 500, newEpoch: () => `e${++epochs}` });
});

describe('the epoch', () => {
  it('ends with a notice that names it, and with no other notice', () => {
    expect(fence.fenced('somebody else’s')).toBe(false);
    expect(fence.epoch).toBe('e1');
    expect(fence.fenced('e1')).toBe(true);
    expect(fence.epoch).toBe('e2');
    expect(fence.fenced('e1')).toBe(false);
    expect(fence.epoch).toBe('e2');
  });

  it('ends with a silence longer than schedulers wait, once', () => {
    clock.pause(500);
    expect(fence.noticeSilence()).toBe(false);
    clock.pause(1);
    expect(fence.noticeSilence()).toBe(true);
    expect(fence.noticeSilence()).toBe(false);
    expect(fence.epoch).toBe('e2');
  });

  it('lasts as long as there are signs of life', () => {
    for (let beat = 0; beat < 20; beat++) {
      clock.advance(100);
      expect(fence.noticeSilence()).toBe(false);
      fence.signOfLife();
    }
    expect(fence.epoch).toBe('e1');
  });
});

it('admits a token exactly when no larger one was admitted before, in every epoch', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 })), (tokens) => {
      const fresh = new Fence({ clock, deadAfterMs: 500, newEpoch: () => 'e' });
      tokens.forEach((token, i) => {
        expect(fresh.admits(token)).toBe(token >= Math.max(0, ...tokens.slice(0, i)));
        fresh.renew();
      });
    }),
  );
});
