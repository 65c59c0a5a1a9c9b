/** Sends rows through our own client, and enters into the tally what becomes of each. */
import type { RawAnswer, SlacklineClient } from '@slackline/client';
import { type Clock, elementsOf } from '@slackline/shared';
import type { LoadModel } from './options.js';
import type { QuerySource } from './queries.js';
import type { Sample } from './sample.js';
import type { Reply, Tally } from './tally.js';

export interface ProducerOptions {
  /** With a connection of its own. */
  client: SlacklineClient;
  clock: Clock;
  tally: Tally;
  models: readonly LoadModel[];
  /** One for each model. */
  samples: readonly Sample[];
  queryOf: QuerySource;
}

/** Longer than anybody waits: whether an answer was late is for the tally to say. */
const timeoutMs = 600_000;
const normal = 'normal';

export class Producer {
  #onAnswer: () => void = () => {};
  #sent = 0;

  constructor(private readonly options: ProducerOptions) {}

  /** Publishes the next query. @param dueAtMs when it should have gone out; its latency counts from there */
  send(dueAtMs: number): void {
    const { client, clock, tally, models, samples, queryOf } = this.options;
    const query = queryOf(this.#sent);
    const number = tally.sent(dueAtMs, query, clock.now());
    this.#sent = number + 1;
    const model = models[query.model];
    const sample = samples[query.model];
    if (model === undefined || sample === undefined) throw new RangeError(`the load has no model ${query.model}`);
    const asked = {
      sloMs: query.sloMs,
      timeoutMs,
      ...(query.minAccuracy > 0 && { minAccuracy: query.minAccuracy }),
      ...(query.priority !== normal && { priority: query.priority }),
    };
    const id = client.send(model.entry.name, sample.row(number), asked, (answer) => {
      const reply = readReply(answer, model, sample.label(number));
      if (reply !== undefined) tally.received(number, clock.now(), reply);
      this.#onAnswer();
    });
    tally.named(number, id);
  }

  /** Resolves when nothing is outstanding, after `limitMs`, or when it is enough. */
  async settled(limitMs: number, enough: AbortSignal): Promise<void> {
    const { tally, clock } = this.options;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(limitMs, resolve);
      const end = () => {
        cancel();
        resolve();
      };
      enough.addEventListener('abort', end, { once: true });
      if (enough.aborted) end();
      this.#onAnswer = () => {
        if (tally.unanswered === 0) end();
      };
      this.#onAnswer();
    });
    this.#onAnswer = () => {};
  }
}

/** Undefined when the client was closed before an answer came. */
function readReply(answer: RawAnswer, { entry }: LoadModel, label: number | undefined): Reply | undefined {
  if (answer.outcome === 'unanswered') return undefined;
  if ('code' in answer) {
    if (answer.outcome === 'refused') return { kind: 'refused', code: answer.code };
    return { kind: 'dropped', outcome: answer.outcome };
  }
  const { outcome, subnet, accuracy, queueMs, inferenceMs, batchSize, executor, body } = answer;
  // An emulated worker computes nothing: its zeros are neither right nor wrong.
  const isChecked = executor !== 'emulated' && label !== undefined;
  const right = isChecked ? largestOf(entry.outputs[0]?.datatype ?? 'FP32', body) === label : undefined;
  return { kind: 'answered', outcome, subnet, accuracy, queueMs, inferenceMs, batchSize, right, executor };
}

/** Index of the largest logit. */
function largestOf(datatype: Parameters<typeof elementsOf>[0], body: Uint8Array): number {
  const logits = Array.from(elementsOf(datatype, body), Number);
  return logits.indexOf(Math.max(...logits));
}
