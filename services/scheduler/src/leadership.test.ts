import { type Clock, type KeyBucket, SlacklineError } from '@slackline/shared';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { Leadership } from './leadership.js';

const log = pino({ level: 'silent' });
const leaseMs = 600;

/** A clock that moves when told to. */
class ManualClock implements Clock {
  ms = 0;
  #timers = new Map<number, { atMs: number; callback: () => void }>();
  #id = 0;
  now() {
    return this.ms;
  }
  after(delayMs: number, callback: () => void) {
    this.#id += 1;
    const id = this.#id;
    this.#timers.set(id, { atMs: this.ms + delayMs, callback });
    return () => void this.#timers.delete(id);
  }
  /** Lets time pass, in order, with room after each timer for what it began. */
  async pass(ms: number) {
    const end = this.ms + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, t]) => t.atMs <= end).sort((a, b) => a[1].atMs - b[1].atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.ms = Math.max(this.ms, due[1].atMs);
      due[1].callback();
      await settled();
    }
    this.ms = end;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** One key with revisions, as the broker keeps it; each member reaches it through a bucket that can be cut off. */
class Broker {
  #value: Uint8Array | undefined;
  #revision = 0;
  readonly #watchers = new Set<() => void>();

  bucket(link: { cut: boolean }): KeyBucket {
    const reach = () => {
      if (link.cut) throw new SlacklineError('timeout', 'cut off');
    };
    const write = (value: Uint8Array | undefined) => {
      this.#value = value;
      this.#revision += 1;
      for (const tell of this.#watchers) tell();
      return this.#revision;
    };
    return {
      get: async () => undefined,
      put: async () => 0,
      async compareAndSet(this: void, _key, value, revision) {
        reach();
        if (revision !== broker.current) throw new SlacklineError('conflict', 'newer');
        return write(value);
      },
      async delete() {
        reach();
        write(undefined);
      },
      watch: async (onEntry) => {
        const tell = () => {
          if (!link.cut) onEntry({ key: 'scheduler', value: this.#value, revision: this.#revision });
        };
        this.#watchers.add(tell);
        if (this.#revision > 0) tell();
        return {
          drain: async () => {
            this.#watchers.delete(tell);
          },
        };
      },
    };
  }
  get current() {
    return this.#value === undefined ? 0 : this.#revision;
  }
}

let broker: Broker;

function setup(count: number) {
  broker = new Broker();
  const clock = new ManualClock();
  const events: string[] = [];
  const members = Array.from({ length: count }, (_, i) => {
    const link = { cut: false };
    const leadership = new Leadership(broker.bucket(link), `s${i}`, leaseMs, clock, log, {
      onLead: (token) => events.push(`s${i} leads with ${token}`),
      onLost: () => events.push(`s${i} lost`),
    });
    return { link, leadership };
  });
  const start = async () => {
    for (const { leadership } of members) await leadership.start();
    await settled();
  };
  return { clock, events, members, start };
}

describe('leadership', () => {
  it('is taken by one, and kept by renewing', async () => {
    const { clock, events, members, start } = setup(3);
    await start();
    await clock.pass(10_000);
    expect(events).toEqual(['s0 leads with 1']);
    expect(members.map(({ leadership }) => leadership.isCurrent)).toEqual([true, false, false]);
  });

  it('goes to a standby with a larger token when the leader is cut off, and never to two at once', async () => {
    const { clock, events, members, start } = setup(2);
    await start();
    await clock.pass(1_000);
    const [leader] = members;
    if (leader === undefined) throw new Error('no leader');
    leader.link.cut = true;
    for (let i = 0; i < 200; i += 1) {
      await clock.pass(10);
      expect(members.filter(({ leadership }) => leadership.isCurrent).length).toBeLessThanOrEqual(1);
    }
    expect(events[0]).toBe('s0 leads with 1');
    expect(events[1]).toBe('s0 lost');
    expect(events[2]).toMatch(/^s1 leads with \d+$/);
    expect(Number(events[2]?.split(' ').at(-1))).toBeGreaterThan(1);
    leader.link.cut = false;
    await clock.pass(5_000);
    expect(events).toHaveLength(3);
  });

  it('is noticed as lost at the next look after a pause, before anything could be said', async () => {
    const { clock, events, members, start } = setup(1);
    await start();
    // The process stood still: no timer ran, and the clock is far ahead at the next look.
    clock.ms += leaseMs;
    expect(members[0]?.leadership.isCurrent).toBe(false);
    expect(events).toEqual(['s0 leads with 1']);
  });

  it('is handed over at once by a leader that stops', async () => {
    const { clock, events, members, start } = setup(2);
    await start();
    await clock.pass(100);
    await members[0]?.leadership.stop();
    await settled();
    expect(events[1]).toMatch(/^s1 leads/);
  });
});
