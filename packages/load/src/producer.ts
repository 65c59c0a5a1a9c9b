/** Sends rows through our own client, and enters into the tally what becomes of each. */
import type { QueryOptions, RawAnswer, SlacklineClient } from '@slackline/client';
import { type Clock, type Datatype, elementsOf } from '@slackline/shared';
import type { LoadModel } from './options.js';
import type { LoadQuery, QuerySource } from './queries.js';
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

/** What queries to one model have in common. */
interface Route {
  model: string;
  sample: Sample;
  /** One function for all of them. @param number the query's, as the tally counts */
  onAnswer: (answer: RawAnswer, number: number) => void;
}

export class Producer {
  readonly #routes: readonly Route[];
  #onAnswer: () => void = () => {};
  #sent = 0;
  #last: { query: LoadQuery; asked: QueryOptions } | undefined;

  constructor(private readonly options: ProducerOptions) {
    const { clock, tally, models, samples } = options;
    this.#routes = models.flatMap(({ entry }, i) => {
      const sample = samples[i];
      if (sample === undefined) return [];
      const datatype = entry.outputs[0]?.datatype ?? 'FP32';
      const onAnswer = (answer: RawAnswer, number: number) => {
        const reply = readReply(answer, datatype, sample.label(number));
        if (reply !== undefined) tally.received(number, clock.now(), reply);
        this.#onAnswer();
      };
      return [{ model: entry.name, sample, onAnswer }];
    });
  }

  /** Publishes the next query. @param dueAtMs when it should have gone out; its latency counts from there */
  send(dueAtMs: number): void {
    const { client, clock, tally, queryOf } = this.options;
    const query = queryOf(this.#sent);
    const number = tally.sent(dueAtMs, query, clock.now());
    this.#sent = number + 1;
    const route = this.#routes[query.model];
    if (route === undefined) throw new RangeError(`the load has no model ${query.model}`);
    const { model, sample, onAnswer } = route;
    tally.named(number, client.send(model, sample.row(number), this.#askedOf(query), onAnswer, number));
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

  /** What the client is told of a query; mostly the same as of the one before. */
  #askedOf(query: LoadQuery): QueryOptions {
    if (this.#last?.query !== query) this.#last = { query, asked: asked(query) };
    return this.#last.asked;
  }
}

function asked({ sloMs, minAccuracy, priority }: LoadQuery): QueryOptions {
  return {
    sloMs,
    timeoutMs,
    ...(minAccuracy > 0 && { minAccuracy }),
    ...(priority !== 'normal' && { priority }),
  };
}

/** Undefined when the client was closed before an answer came. */
function readReply(answer: RawAnswer, datatype: Datatype, label: number | undefined): Reply | undefined {
  if (answer.outcome === 'unanswered') return undefined;
  if ('code' in answer) {
    if (answer.outcome === 'refused') return { kind: 'refused', code: answer.code };
    return { kind: 'dropped', outcome: answer.outcome };
  }
  const { outcome, subnet, accuracy, queueMs, inferenceMs, batchSize, executor, body } = answer;
  // An emulated worker computes nothing: its zeros are neither right nor wrong.
  const isChecked = executor !== 'emulated' && label !== undefined;
  const right = isChecked ? largestOf(datatype, body) === label : undefined;
  return { kind: 'answered', outcome, subnet, accuracy, queueMs, inferenceMs, batchSize, right, executor };
}

/** Index of the largest logit. */
function largestOf(datatype: Datatype, body: Uint8Array): number {
  const logits = Array.from(elementsOf(datatype, body), Number);
  return logits.indexOf(Math.max(...logits));
}
