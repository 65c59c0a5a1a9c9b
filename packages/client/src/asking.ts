/**
 * What is done about queries that wait when the connection breaks. Their answers may be published meanwhile, to nobody, and
 * are not published again by themselves. So when the connection is back the producer asks, some times: the schedulers, cut
 * off with it perhaps, come back at their own pace. An outcome that was not said yet comes without being asked for.
 */
import type { Bus, Clock } from '@slackline/shared';
import type { Outstanding, Waiting } from './outstanding.js';

/** From the reconnect to the first question, and from each to the next. */
const pausesMs = [0, 250, 500, 1_000, 2_000];

export class Asking<W extends Waiting> {
  #cancelTimer: () => void = () => {};

  constructor(
    bus: Pick<Bus, 'onStatus'>,
    private readonly clock: Clock,
    private readonly outstanding: Pick<Outstanding<W>, 'cutOff' | 'markCutOff'>,
    /** Asks for the outcome of one query. @param token what stands at the end of its reply subject */
    private readonly ask: (token: number, waiting: W) => void,
  ) {
    bus.onStatus((status) => {
      this.stop();
      if (status === 'disconnected') this.outstanding.markCutOff();
      if (status === 'reconnected') this.#askAll(pausesMs);
    });
  }

  stop(): void {
    this.#cancelTimer();
  }

  #askAll([pauseMs, ...more]: readonly number[]): void {
    if (pauseMs === undefined) return;
    this.#cancelTimer = this.clock.after(pauseMs, () => {
      const cutOff = this.outstanding.cutOff();
      for (const [token, waiting] of cutOff) this.ask(token, waiting);
      if (cutOff.length > 0) this.#askAll(more);
    });
  }
}
