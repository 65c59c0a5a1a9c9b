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

/** How one member reaches the broker. */
interface Link {
  /** Nothing gets through. */
  cut: boolean;
  /** What is written is stored, but no answer comes back. */
  answersLost: boolean;
}

/** One key with revisions, as the broker keeps it. */
class Broker {
  #value: Uint8Array | undefined;
  #revision = 0;
  /** Grows when everything was forgotten: buckets opened before are of no use then. */
  #life = 0;
  readonly #watchers = new Set<() => void>();

  /** A restart of a broker that kept the bucket in memory. */
  forget(): void {
    this.#value = undefined;
    this.#revision = 0;
    this.#life += 1;
    this.#watchers.clear();
  }

  bucket(link: Link): KeyBucket {
    const life = this.#life;
    const write = (value: Uint8Array) => {
      this.#value = value;
      this.#revision += 1;
      for (const tell of this.#watchers) tell();
      return this.#revision;
    };
    return {
      get: async () => undefined,
      put: async () => 0,
      delete: async () => {},
      compareAndSet: async (_key, value, revision) => {
        if (link.cut) throw new SlacklineError('timeout', 'cut off');
        if (life !== this.#life) throw new SlacklineError('no_responders', 'no such bucket');
        const current = this.#value === undefined ? 0 : this.#revision;
        if (revision !== current) throw new SlacklineError('conflict', 'newer');
        const written = write(value);
        return link.answersLost ? new Promise<number>(() => {}) : written;
      },
      watch: async (onEntry) => {
        const tell = () => {
          if (!link.cut) onEntry({ key: 'scheduler', value: this.#value, revision: this.#revision });
        };
        this.#watchers.add(tell);
        if (this.#value !== undefined) tell();
        return {
          drain: async () => {
            this.#watchers.delete(tell);
          },
        };
      },
    };
  }
}

function setup(count: number, brokerNowMs = () => 1) {
  const broker = new Broker();
  const clock = new ManualClock();
  const tokens: [who: string, token: number][] = [];
  const losses: string[] = [];
  const members = Array.from({ length: count }, (_, i) => {
    const link: Link = { cut: false, answersLost: false };
    const open = async () => {
      if (link.cut) throw new SlacklineError('timeout', 'cut off');
      return broker.bucket(link);
    };
    const leadership = new Leadership(
      { open, id: `s${i}`, leaseMs, clock, brokerNowMs, log },
      { onLead: (token) => tokens.push([`s${i}`, token]), onLost: () => losses.push(`s${i}`) },
    );
    return { link, leadership };
  });
  const start = async () => {
    for (const { leadership } of members) await leadership.start();
    await settled();
  };
  const [first] = members;
  if (first === undefined) throw new Error('a test needs a member');
  return { broker, clock, tokens, losses, members, first, start };
}

const leaders = (tokens: [string, number][]) => tokens.map(([who]) => who);
const rising = (tokens: [string, number][]) =>
  tokens.every(([, token], i) => i === 0 || token > (tokens[i - 1]?.[1] ?? 0));

describe('leadership', () => {
  it('is taken by one, and kept by renewing', async () => {
    const { clock, tokens, losses, members, start } = setup(3);
    await start();
    await clock.pass(10_000);
    expect(tokens).toEqual([['s0', 1]]);
    expect(losses).toEqual([]);
    expect(members.map(({ leadership }) => leadership.check())).toEqual([true, false, false]);
  });

  it('goes to a standby with a larger token when the leader is cut off, and never to two at once', async () => {
    const { clock, tokens, losses, members, first, start } = setup(2);
    await start();
    await clock.pass(1_000);
    first.link.cut = true;
    for (let i = 0; i < 200; i += 1) {
      await clock.pass(10);
      expect(members.filter(({ leadership }) => leadership.check()).length).toBeLessThanOrEqual(1);
    }
    expect(losses).toEqual(['s0']);
    expect(leaders(tokens)).toEqual(['s0', 's1']);
    expect(rising(tokens)).toBe(true);
    first.link.cut = false;
    await clock.pass(5_000);
    expect(tokens).toHaveLength(2);
  });

  it('outlives renewals whose answers are lost, as long as one in the lease arrives', async () => {
    const { clock, tokens, losses, first, start } = setup(2);
    await start();
    for (let i = 0; i < 10; i += 1) {
      first.link.answersLost = true;
      await clock.pass(leaseMs / 4);
      first.link.answersLost = false;
      await clock.pass(leaseMs);
    }
    expect(losses).toEqual([]);
    expect(tokens).toHaveLength(1);
  });

  it('is lost at the first look after a pause, before anything could be said', async () => {
    const { clock, losses, first, start } = setup(1);
    await start();
    // The process stood still: no timer ran, and the clock is far ahead at the next look.
    clock.ms += leaseMs;
    expect(first.leadership.check()).toBe(false);
    expect(losses).toEqual(['s0']);
    // Back in time for a renewal does not bring that term back; a new one begins.
    await clock.pass(leaseMs);
    expect(first.leadership.check()).toBe(true);
  });

  it('is handed over at once, with a larger token, by a leader that stops', async () => {
    const { clock, tokens, first, start } = setup(2);
    await start();
    await clock.pass(100);
    await first.leadership.stop();
    await settled();
    expect(leaders(tokens)).toEqual(['s0', 's1']);
    expect(rising(tokens)).toBe(true);
  });

  it('begins a new term at once after resigning', async () => {
    const { clock, tokens, losses, first, start } = setup(1);
    await start();
    first.leadership.resign('because');
    expect(first.leadership.check()).toBe(false);
    await clock.pass(leaseMs / 2);
    expect(losses).toEqual(['s0']);
    expect(tokens).toHaveLength(2);
    expect(rising(tokens)).toBe(true);
  });

  it('comes back with a larger token when the broker has forgotten everything', async () => {
    let brokerMs = 1_000;
    const { broker, clock, tokens, first, start } = setup(1, () => brokerMs);
    await start();
    await clock.pass(1_000);
    brokerMs += 1_000;
    broker.forget();
    await clock.pass(5_000);
    expect(first.leadership.check()).toBe(true);
    expect(tokens).toEqual([
      ['s0', 1_000],
      ['s0', 2_000],
    ]);
  });
});
