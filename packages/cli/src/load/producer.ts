/** Sends labelled rows through our own client, and enters into the tally what becomes of each. */
import type { RawAnswer, SlacklineClient } from '@slackline/client';
import { type Clock, elementsOf, type ModelEntry } from '@slackline/shared';
import type { Sample } from './sample.js';
import type { Reply, Tally } from './tally.js';

export interface ProducerOptions {
  /** With a connection of its own. */
  client: SlacklineClient;
  clock: Clock;
  tally: Tally;
  sample: Sample;
  model: ModelEntry;
  sloMs: number;
}

/** Longer than anybody waits: whether an answer was late is for the tally to say. */
const timeoutMs = 600_000;

export class Producer {
  #onAnswer: () => void = () => {};

  constructor(private readonly options: ProducerOptions) {}

  /** Publishes the next row. @param dueAtMs when it should have gone out; its latency counts from there */
  send(dueAtMs: number): void {
    const { client, clock, tally, sample, model, sloMs } = this.options;
    const number = tally.sent(dueAtMs);
    client.send(model.name, sample.row(number), { sloMs, timeoutMs }, (answer) => {
      const reply = this.#read(answer, number);
      if (reply !== undefined) tally.received(number, clock.now(), reply);
      this.#onAnswer();
    });
  }

  /** Resolves when nothing is outstanding, or after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    const { tally, clock } = this.options;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(limitMs, resolve);
      this.#onAnswer = () => {
        if (tally.unanswered > 0) return;
        cancel();
        resolve();
      };
      this.#onAnswer();
    });
    this.#onAnswer = () => {};
  }

  /** Undefined when the client was closed before an answer came. */
  #read(answer: RawAnswer, number: number): Reply | undefined {
    if (answer.outcome === 'unanswered') return undefined;
    if ('code' in answer) {
      if (answer.outcome === 'refused') return { kind: 'refused', code: answer.code };
      return { kind: 'dropped', outcome: answer.outcome };
    }
    const { outcome, subnet, accuracy, executor, body } = answer;
    // An emulated worker computes nothing: its zeros are neither right nor wrong.
    const right = executor === 'emulated' ? undefined : this.#classOf(body) === this.options.sample.label(number);
    return { kind: 'answered', outcome, subnet, accuracy, right, executor };
  }

  /** Index of the largest logit. */
  #classOf(body: Uint8Array): number {
    const logits = Array.from(elementsOf(this.options.model.outputs[0]?.datatype ?? 'FP32', body), Number);
    return logits.indexOf(Math.max(...logits));
  }
}
