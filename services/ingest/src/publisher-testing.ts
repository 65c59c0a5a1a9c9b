/** For tests: a publisher on a clock that the test moves and a broker that the test plays. */
import {
  type Bus,
  type BusStatus,
  HeaderLines,
  type PubAck,
  SlacklineError,
  type StreamPublisherListener,
  type StreamWord,
} from '@slackline/shared';
import type { PublishResult } from './publish-result.js';
import { type OutgoingQuery, Publisher } from './publisher.js';
import { ManualClock } from './testing-clock.js';

/** No word of the broker: the PubAck was lost. */
export const lost = 'lost';
export type Answer = StreamWord | typeof lost;
export const ack: PubAck = { sequence: 1, duplicate: false };
export const no = (code: 'stream_full' | 'no_responders' | 'bus_failed') => new SlacklineError(code, 'No');
/** Lets everything run that waits for promises only. */
export const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A clock that the test moves on, and a broker that answers what the test says, at once or when it is told. */
export function setUp(answer: (attempt: number) => Answer) {
  const clock = new ManualClock();
  const sent: { atMs: number; budgetMs: number; token: number; id: string }[] = [];
  let tell: (status: BusStatus) => void = () => {};
  let listener: StreamPublisherListener = { said: () => {}, denied: () => {} };
  let flushed = Promise.resolve();
  let closed = false;
  const bus = {
    onStatus: (listener: typeof tell) => {
      tell = listener;
    },
    streamPublisher: (given: StreamPublisherListener) => {
      listener = given;
      return {
        send(
          _subject: string,
          _data: Uint8Array,
          { token, id, headers }: Parameters<ReturnType<Bus['streamPublisher']>['send']>[2],
        ) {
          sent.push({ atMs: clock.now(), budgetMs: Number(HeaderLines.of(headers ?? {}).get('Budget-Ms')), token, id });
          const word = answer(sent.length);
          if (word !== lost) queueMicrotask(() => listener.said(token, word));
        },
        close: async () => {
          closed = true;
        },
      };
    },
    flush: () => flushed,
  } as Pick<Bus, 'onStatus' | 'streamPublisher' | 'flush'> as Bus;
  const results = new Map<string, PublishResult>();
  const publisher = new Publisher<OutgoingQuery>(
    bus,
    clock,
    { maxUnanswered: 100, maxUnansweredBytes: 1_000, pubAckTimeoutMs: 500, duplicateWindowMs: 30_000 },
    ({ messageId }, result) => {
      if (results.has(messageId)) throw new Error(`${messageId} has a second result`);
      results.set(messageId, result);
    },
  );
  const publish = (deadlineMs: number, messageId = 'q-1') =>
    publisher.publish(
      { subject: 'queries.m', messageId, body: new Uint8Array(10), deadlineMs, headers: HeaderLines.none },
      clock.now(),
    );
  /** Moves the clock on until every publish has its result; the result of the first one. */
  const ended = async () => {
    await turn();
    while (publisher.inFlight > 0) {
      clock.toNextTimer();
      await turn();
    }
    return results.get('q-1');
  };
  const refusal = (budgetMs: number, { id = 'new', bytes = 10 } = {}) =>
    publisher.refusal(id, bytes, clock.now() + budgetMs, clock.now());
  /** The broker stands still, connected as it is; the returned function ends that. */
  const standStill = () => {
    let goOn: () => void = () => {};
    flushed = new Promise((resolve) => {
      goOn = resolve;
    });
    return goOn;
  };
  return {
    ...{ clock, sent, results, publisher, publish, ended, refusal, standStill },
    say: (token: number, word: StreamWord) => listener.said(token, word),
    deny: (subject: string) => listener.denied(subject, new SlacklineError('not_permitted', 'No')),
    tell: (status: BusStatus) => tell(status),
    isClosed: () => closed,
  };
}
