/** Schedulers that stand for leadership, with a broker and clocks that do what a test says. */
import { type Clock, type KeyBucket, SlacklineError } from '@slackline/shared';
import pino from 'pino';
import { Leadership } from './leadership.js';

const log = pino({ level: 'silent' });
export const leaseMs = 600;
const leaseKey = 'scheduler';

/** Room for everything that is ready to happen. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

type Watch = Parameters<KeyBucket['watch']>[0];

interface Timer {
  atMs: number;
  owner: { readonly isPaused: boolean };
  callback: () => void;
}

/** A clock that moves when told to. The timers of a member that is paused wait until it goes on. */
export class ManualClock {
  ms = 0;
  #timers = new Map<number, Timer>();
  #id = 0;

  of(owner: { readonly isPaused: boolean }): Clock {
    return {
      now: () => this.ms,
      after: (delayMs, callback) => {
        this.#id += 1;
        const id = this.#id;
        this.#timers.set(id, { atMs: this.ms + delayMs, owner, callback });
        return () => void this.#timers.delete(id);
      },
    };
  }

  /** Lets time pass, in order, with room after each timer for what it began. @param onStep called after each timer */
  async pass(ms: number, onStep: () => void = () => {}): Promise<void> {
    const end = this.ms + ms;
    for (;;) {
      const ready = [...this.#timers].filter(([, { atMs, owner }]) => atMs <= end && !owner.isPaused);
      const due = ready.sort((a, b) => a[1].atMs - b[1].atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.ms = Math.max(this.ms, due[1].atMs);
      due[1].callback();
      await settled();
      onStep();
    }
    this.ms = end;
  }
}

/** One key with revisions, as the broker keeps it. */
export class Broker {
  value: Uint8Array | undefined;
  revision = 0;
  /** Grows when everything was forgotten: buckets opened before are of no use then. */
  life = 0;
  readonly members: Member[] = [];

  write(value: Uint8Array, expected: number): number {
    if (expected !== (this.value === undefined ? 0 : this.revision)) throw new SlacklineError('conflict', 'newer');
    this.value = value;
    this.revision += 1;
    for (const member of this.members) member.show();
    return this.revision;
  }

  /** The bucket goes, and every connection stays. */
  loseBucket(): void {
    this.value = undefined;
    this.revision = 0;
    for (const member of this.members) member.show();
  }

  /**
   * A restart of a broker that kept the bucket in memory: every connection breaks. A write over a revision of the old bucket
   * finds none here; on NATS it may meet the same number in the new one (docs/guarantees.md).
   */
  forget(): void {
    this.value = undefined;
    this.revision = 0;
    this.life += 1;
    for (const member of this.members) member.disconnect();
  }
}

/** A scheduler, and how it reaches the broker. */
export class Member {
  isPaused = false;
  /** Whether the broker has its connection. It may be gone without its knowing. */
  isConnected = true;
  /** Nothing gets through, either way, and the connection stays: it comes later. */
  isCut = false;
  /** Everything comes so much later, in either direction. */
  delayMs = 0;
  /** What is written is stored, but no answer comes back. */
  losesAnswers = false;
  /** It is paused as soon as its next write is stored, before it hears of that. */
  pausesAtWrite = false;
  readonly leadership: Leadership;
  /** What the watch shows its entries to; while there is a connection, and once there has been one. */
  #watch: Watch | undefined;
  #lastWatch: Watch | undefined;
  /** What happens when the process goes on, and what when the network does. */
  #asleep: (() => void)[] = [];
  #onTheWay: (() => void)[] = [];
  readonly #network: Clock;

  constructor(
    readonly id: string,
    private readonly broker: Broker,
    clock: ManualClock,
    brokerNowMs: () => number,
    told: { onLead: (token: number) => void; onLost: () => void; onRenewed: () => void },
  ) {
    broker.members.push(this);
    this.#network = clock.of({ isPaused: false });
    this.leadership = new Leadership(
      { open: async () => this.#open(), id, leaseMs, clock: clock.of(this), brokerNowMs, log },
      told,
    );
  }

  pause(): void {
    this.isPaused = true;
  }

  /** Goes on: what came meanwhile is read. Its timers run when time passes. */
  resume(): void {
    this.isPaused = false;
    for (const act of this.#asleep.splice(0)) act();
  }

  cut(): void {
    this.isCut = true;
  }

  heal(): void {
    this.isCut = false;
    for (const act of this.#onTheWay.splice(0)) act();
  }

  /** The broker drops its connection, and what was on the way. */
  disconnect(): void {
    this.isConnected = false;
    this.#onTheWay = [];
    this.#watch = undefined;
  }

  /** It sees that its connection is gone, ends its term and makes another connection, whose watch shows the key. */
  notice(): void {
    if (this.isConnected || this.isPaused) return;
    this.leadership.resign('the connection was lost');
    this.isConnected = true;
    this.isCut = false;
    this.#watch = this.#lastWatch;
    this.show();
    this.leadership.stand();
  }

  /** Shows the newest entry to this member, or that there is none, as soon as it can see it. */
  show(): void {
    const watch = this.#watch;
    const { value, revision } = this.broker;
    if (watch === undefined) return;
    this.#toIt(() => watch({ key: leaseKey, value, revision }));
  }

  #toIt(act: () => void): void {
    this.#send(() => (this.isPaused ? this.#asleep.push(act) : act()));
  }

  #send(arrive: () => void): void {
    if (this.isCut) this.#onTheWay.push(arrive);
    else if (this.delayMs > 0) this.#network.after(this.delayMs, arrive);
    else arrive();
  }

  #open(): KeyBucket {
    if (!this.isConnected) throw new SlacklineError('timeout', 'no connection');
    const { life } = this.broker;
    return {
      get: async () => undefined,
      put: async () => 0,
      delete: async () => {},
      compareAndSet: (_key, value, revision) =>
        new Promise((resolve, reject) => {
          if (!this.isConnected) return;
          const arrive = () => {
            try {
              if (life !== this.broker.life) throw new SlacklineError('no_responders', 'no such bucket');
              const written = this.broker.write(value, revision);
              this.isPaused ||= this.pausesAtWrite;
              this.pausesAtWrite = false;
              if (!this.losesAnswers) this.#toIt(() => resolve(written));
            } catch (error) {
              this.#toIt(() => reject(error));
            }
          };
          this.#send(arrive);
        }),
      watch: async (onEntry) => {
        this.#watch = onEntry;
        this.#lastWatch = onEntry;
        this.show();
        return { drain: async () => {} };
      },
    };
  }
}

export interface Setup {
  broker: Broker;
  clock: ManualClock;
  members: Member[];
  first: Member;
  /** Every term that began, in order. */
  tokens: [who: string, token: number][];
  losses: string[];
  renewals: string[];
  start(): Promise<void>;
}

export function setup(count: number, brokerNowMs = () => 1): Setup {
  const broker = new Broker();
  const clock = new ManualClock();
  const tokens: [string, number][] = [];
  const losses: string[] = [];
  const renewals: string[] = [];
  const members = Array.from({ length: count }, (_, i) => {
    const id = `s${i}`;
    return new Member(id, broker, clock, brokerNowMs, {
      onLead: (token) => tokens.push([id, token]),
      onLost: () => losses.push(id),
      onRenewed: () => renewals.push(id),
    });
  });
  const [first] = members;
  if (first === undefined) throw new Error('a test needs a member');
  const start = async () => {
    for (const { leadership } of members) await leadership.start();
    await settled();
  };
  return { broker, clock, members, first, tokens, losses, renewals, start };
}
