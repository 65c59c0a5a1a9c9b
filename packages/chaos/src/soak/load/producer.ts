/** One producer of a soak: connects, sends its mix for a while, and leaves, with its answers or without. */
import { connect, type SlacklineClient } from '@slackline/client';
import { SlacklineError } from '@slackline/shared';
import type { Ledger } from './ledger.js';
import type { MixedQuery } from './mix.js';
import type { Shelves } from './shelves.js';

export interface SoakProducerOptions {
  natsUrl: string;
  subjectPrefix: string;
  name: string;
  /** Queries a second, Poisson. */
  rate: number;
  /** Uniform in [0, 1). */
  random: () => number;
  mix: () => MixedQuery;
  ledger: Ledger;
  shelves: Shelves;
}

/** Longer than any soak: what was never answered is for the ledger to say. */
const timeoutMs = 86_400_000;

export class SoakProducer {
  readonly #open = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #sends = true;

  private constructor(
    private readonly client: SlacklineClient,
    private readonly options: SoakProducerOptions,
  ) {
    this.#plan(performance.now());
  }

  /** Connects and sends from now on. Throws `nats_unreachable`. */
  static async start(options: SoakProducerOptions): Promise<SoakProducer> {
    const { natsUrl: url, subjectPrefix: prefix, name } = options;
    return new SoakProducer(await connect({ url, prefix, name }), options);
  }

  /** Queries that wait for their answer. */
  get open(): number {
    return this.#open.size;
  }

  /** Sends no more; answers are still taken. */
  stop(): void {
    this.#sends = false;
    clearTimeout(this.#timer);
  }

  /** Disconnects; what waits is left to whoever reads the wire. */
  async leave(): Promise<void> {
    this.stop();
    this.options.ledger.abandon(this.#open);
    this.#open.clear();
    await this.client.close();
  }

  /** Open loop: each query is due whether or not earlier ones were answered. */
  #plan(lastAtMs: number): void {
    const { rate, random } = this.options;
    const dueAtMs = lastAtMs + (-Math.log(1 - random()) * 1_000) / rate;
    this.#timer = setTimeout(
      () => {
        if (!this.#sends) return;
        this.#send(this.options.mix());
        this.#plan(dueAtMs);
      },
      Math.max(0, dueAtMs - performance.now()),
    );
  }

  #send({ model, body, options, wrong, stored }: MixedQuery): void {
    const { ledger, shelves } = this.options;
    if (stored) {
      ledger.sentForStorage();
      this.client.publish(model, body, { ...options, resultKey: shelves.keyFor(model) });
      return;
    }
    const { minAccuracy = 0, deadline } = options;
    const asked = { wrong, absolute: deadline !== undefined, minAccuracy: wrong === undefined ? minAccuracy : 0 };
    try {
      const id = this.client.send(model, body, { ...options, timeoutMs }, (answer) => {
        this.#open.delete(answer.queryId);
        ledger.told(answer.queryId, answer);
      });
      ledger.sent({ id, ...asked });
      this.#open.add(id);
    } catch (error) {
      // A broken connection may refuse to write; then nothing was sent.
      if (!(error instanceof SlacklineError)) throw error;
      ledger.complain(`a query could not be sent: ${error.message}`);
    }
  }
}
