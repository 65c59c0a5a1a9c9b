import { type BusMessage, type Clock, HeaderLines, pack, Subjects } from '@slackline/shared';
import pino from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { SaidAnswers } from './said.js';

const published: { subject: string; data: Uint8Array }[] = [];
let ask: (data: Uint8Array) => void = () => {};
let timers: { atMs: number; call: () => void }[] = [];
let nowMs = 0;
let said: SaidAnswers;
beforeEach(() => {
  published.length = 0;
  timers = [];
  nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    after: (ms, call) => {
      const timer = { atMs: nowMs + ms, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
  };
  const bus = {
    publish: (subject: string, data: Uint8Array) => void published.push({ subject, data }),
    subscribe: (subject: string, handler: (message: BusMessage) => void) => {
      ask = (data) => handler({ subject, data, reply: undefined, headers: { get: () => undefined } });
      return { drain: () => Promise.resolve() };
    },
  };
  said = new SaidAnswers(bus, new Subjects(), clock, pino({ level: 'silent' }));
  said.start();
});

const pass = (ms: number) => {
  const untilMs = nowMs + ms;
  for (;;) {
    const next = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined) break;
    nowMs = next.atMs;
    timers = timers.filter((each) => each !== next);
    next.call();
  }
  nowMs = untilMs;
};
const note = (id: string, bytes = 1) =>
  said.note(`_INBOX.${id}`, id, { data: new Uint8Array(bytes), headers: HeaderLines.none });
const isKnown = (id: string) => {
  published.length = 0;
  ask(pack({ v: 1, queryId: id, replyTo: `_INBOX.${id}` }));
  return published.length === 1;
};

describe('what was said', () => {
  it('is kept without what came with it in one read', () => {
    const read = Buffer.alloc(65_536, 7);
    said.note('_INBOX.a', 'a', { data: read.subarray(10, 20), headers: HeaderLines.none });
    expect(isKnown('a')).toBe(true);
    expect([...(published[0]?.data ?? [])]).toEqual(new Array(10).fill(7));
    expect(published[0]?.data.buffer).not.toBe(read.buffer);
  });

  it('is said again to who asks, for the time that it takes to notice a dead line, and then forgotten', () => {
    note('a');
    pass(5_900);
    note('b');
    pass(200);
    expect([isKnown('a'), isKnown('b')]).toEqual([true, true]);
    pass(6_000);
    expect([isKnown('a'), isKnown('b')]).toEqual([false, false]);
    expect(timers).toEqual([]);
    note('c');
    pass(5_000);
    expect(isKnown('c')).toBe(true);
  });

  it('takes no more than so many bytes, whatever is said: the oldest go first', () => {
    for (let i = 0; i < 100; i++) note(`q${i}`, 1_000_000);
    expect([isKnown('q0'), isKnown('q99')]).toEqual([false, true]);
    const kept = Array.from({ length: 100 }, (_, i) => isKnown(`q${i}`)).filter(Boolean).length;
    expect(kept).toBeLessThanOrEqual(66);
  });

  it('is told to nobody else, and garbage ends nothing', () => {
    note('a');
    ask(pack({ v: 1, queryId: 'a', replyTo: '_INBOX.b' }));
    ask(pack({ v: 1, queryId: 'b', replyTo: '_INBOX.a' }));
    ask(new Uint8Array([0xc1]));
    expect(published).toEqual([]);
    expect(isKnown('a')).toBe(true);
  });
});
