/** A producer that writes down everything that it is told. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type RawAnswer, type SlacklineClient } from '@slackline/client';
import { model, row } from './plant.js';

/** When a query ended, and how: an outcome, or the code of a refusal. */
export interface End {
  id: string;
  outcome: string;
  atMs: number;
}

/** Sends queries at a steady rate, through our client. Times are those of `performance.now`. */
export class Producer {
  readonly first: End[] = [];
  /** Answers to queries that had one. The client drops them; a raw inbox sees them. */
  readonly second: End[] = [];
  sent = 0;
  readonly #timer: NodeJS.Timeout;
  #dueMs = performance.now();

  private constructor(
    readonly client: SlacklineClient,
    rate: number,
    sloMs: number,
    seconds: End[],
  ) {
    this.second = seconds;
    const onAnswer = (answer: RawAnswer) => {
      const outcome = answer.outcome === 'refused' ? answer.code : answer.outcome;
      this.first.push({ id: answer.queryId, outcome, atMs: performance.now() });
    };
    this.#timer = setInterval(() => {
      for (const nowMs = performance.now(); this.#dueMs <= nowMs; this.#dueMs += 1_000 / rate) {
        this.sent += 1;
        client.send(model, row, { sloMs }, onAnswer);
      }
    }, 2);
  }

  static async start(url: string, load: { rate: number; sloMs: number; graceMs?: number }): Promise<Producer> {
    const second: End[] = [];
    const client = await connect({
      url,
      // What was accepted is answered however slow the machine is; who waits for less would not see it.
      graceMs: load.graceMs ?? 60_000,
      onSecond: ({ queryId = '', outcome }) => second.push({ id: queryId, outcome, atMs: performance.now() }),
    });
    return new Producer(client, load.rate, load.sloMs, second);
  }

  /** Sends no more, and waits for what is due. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    while (this.client.outstanding > 0) await delay(20);
  }

  count(outcome: string): number {
    return this.first.filter((end) => end.outcome === outcome).length;
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { outcome } of this.first) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  }
}
