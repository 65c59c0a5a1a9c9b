/**
 * How far this process has read. On a busy machine it is behind: what workers have said lies unread, and a judgement by the
 * clock would take them for silent. So it sends itself a message now and then; when that is read, so is all that the broker
 * had for this connection before.
 */
import type { Bus, Clock, Subscription } from '@slackline/shared';
import type { WhenCurrent } from './gate.js';

export interface ReadMarkParts {
  bus: Pick<Bus, 'newInbox' | 'publish' | 'subscribe'>;
  clock: Clock;
  everyMs: number;
  /** The time in which `onRead` is told. */
  now: () => number;
  /** Does `act` when all that was read before has been acted on. */
  inTurn: WhenCurrent;
  /** All that was said before this moment has been read. */
  onRead: (atMs: number) => void;
}

export class ReadMark {
  #subscription: Subscription | undefined;
  #cancelTimer: () => void = () => {};

  constructor(private readonly parts: ReadMarkParts) {}

  start(): void {
    const { bus, inTurn, onRead, now } = this.parts;
    const inbox = bus.newInbox();
    onRead(now());
    this.#subscription = bus.subscribe(inbox, ({ data }) => {
      if (data.length !== 8) return;
      const sentAtMs = Buffer.from(data).readDoubleLE();
      inTurn(onRead, sentAtMs);
    });
    this.#sendLater(inbox);
  }

  async stop(): Promise<void> {
    this.#cancelTimer();
    await this.#subscription?.drain();
  }

  #sendLater(inbox: string): void {
    const { bus, clock, everyMs, now } = this.parts;
    this.#cancelTimer = clock.after(everyMs, () => {
      const sentAtMs = Buffer.alloc(8);
      sentAtMs.writeDoubleLE(now());
      bus.publish(inbox, sentAtMs);
      this.#sendLater(inbox);
    });
  }
}
