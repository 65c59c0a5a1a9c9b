import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineWheel, outside, slotMs, type Timed } from './deadline-wheel.js';
import { ManualClock } from './testing-clock.js';

interface Item extends Timed {
  dueAtMs: number;
  toldAtMs: number | undefined;
}

function setUp(onDue: (item: Item) => void = () => {}) {
  const clock = new ManualClock();
  const wheel = new DeadlineWheel<Item>(clock, (item) => {
    expect(item.toldAtMs).toBeUndefined();
    item.toldAtMs = clock.now();
    onDue(item);
  });
  const add = (inMs: number): Item => {
    const item = { dueAtMs: clock.now() + inMs, toldAtMs: undefined, tick: outside, place: 0 };
    wheel.add(item, item.dueAtMs);
    return item;
  };
  return { clock, wheel, add };
}

describe('a wheel of deadlines', () => {
  it('tells each item once, in time, whatever comes, goes and passes', () => {
    const event = fc.oneof(
      fc.record({ is: fc.constant('add' as const), inMs: fc.double({ min: 0, max: 6_000, noNaN: true }) }),
      fc.record({ is: fc.constant('delete' as const), which: fc.nat() }),
      fc.record({ is: fc.constant('pass' as const), ms: fc.double({ min: 0, max: 2_500, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { clock, wheel, add } = setUp();
        const items: Item[] = [];
        const gone = new Set<Item>();
        for (const each of events) {
          if (each.is === 'add') items.push(add(each.inMs));
          else if (each.is === 'pass') clock.pass(each.ms);
          else {
            const item = items[each.which % Math.max(1, items.length)];
            if (item?.toldAtMs !== undefined || item === undefined) continue;
            wheel.delete(item);
            gone.add(item);
          }
          expect(clock.timers).toBeLessThanOrEqual(1);
          const waiting = items.filter((item) => item.toldAtMs === undefined && !gone.has(item));
          expect(wheel.size).toBe(waiting.length);
          // A slot, and the part of a millisecond that a timer is set later.
          for (const item of waiting) expect(item.dueAtMs).toBeGreaterThan(clock.now() - slotMs - 1);
        }
        clock.pass(10_000);
        for (const item of items) {
          if (gone.has(item)) expect(item.toldAtMs).toBeUndefined();
          else expect(item.toldAtMs).toBeGreaterThanOrEqual(item.dueAtMs);
        }
        expect(wheel.size).toBe(0);
        expect(clock.timers).toBe(0);
      }),
    );
  });

  it('tells everything after a pause of more than a round, and nothing that is not due', () => {
    const { clock, add } = setUp();
    const near = [5, 50, 500, 5_000].map((ms) => add(ms));
    const far = add(70_000);
    // The timer is late: nothing fires on the way.
    clock.jump(60_000);
    expect(near.map(({ toldAtMs }) => toldAtMs)).toEqual(near.map(() => 60_000));
    expect(far.toldAtMs).toBeUndefined();
    clock.pass(10_000);
    expect(far.toldAtMs).toBe(70_000);
  });

  it('takes what is entered while it turns for a later turn', () => {
    let again = 0;
    const { clock, wheel, add } = setUp((item) => {
      if (again++ >= 3) return;
      item.toldAtMs = undefined;
      wheel.add(item, clock.now());
    });
    const item = add(1);
    clock.pass(3 * slotMs);
    expect(again).toBe(3);
    clock.pass(slotMs);
    expect([again, item.toldAtMs, wheel.size]).toEqual([4, 4 * slotMs, 0]);
  });

  it('has no timer once it was cleared', () => {
    const { clock, wheel, add } = setUp();
    const item = add(100);
    wheel.clear();
    expect([clock.timers, wheel.size, item.tick]).toEqual([0, 0, outside]);
    wheel.add(item, clock.now() + 100);
    clock.pass(200);
    expect(item.toldAtMs).toBe(104);
  });
});
