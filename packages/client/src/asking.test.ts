import type { BusStatus, Clock } from '@slackline/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { Asking } from './asking.js';
import { Outstanding, type Waiting } from './outstanding.js';

let tell: (status: BusStatus) => void = () => {};
let timers: { atMs: number; call: () => void }[] = [];
let nowMs = 0;
let outstanding: Outstanding<Waiting>;
let asked: string[] = [];
beforeEach(() => {
  [timers, asked, nowMs] = [[], [], 0];
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
  const still: Clock = { now: () => 0, after: () => () => {} };
  outstanding = new Outstanding<Waiting>(still, () => {});
  const bus = {
    onStatus: (listener: (status: BusStatus) => void) => {
      tell = listener;
    },
  };
  new Asking(bus, clock, outstanding, (_token, { queryId }) => asked.push(queryId));
});

const add = (queryId: string) => outstanding.add({ queryId, subject: 'infer.m', sentAtMs: 0, isCutOff: false }, 60_000);
const pass = (ms: number) => {
  nowMs += ms;
  for (let due = timers.filter(({ atMs }) => atMs <= nowMs); due.length > 0; ) {
    timers = timers.filter((each) => !due.includes(each));
    for (const { call } of due) call();
    due = timers.filter(({ atMs }) => atMs <= nowMs);
  }
};

describe('a producer that was cut off', () => {
  it('asks when it is back, for what was sent before and has no answer yet', () => {
    add('sent before');
    const answered = add('answered');
    outstanding.remove(answered);
    tell('disconnected');
    add('sent meanwhile');
    pass(10_000);
    expect(asked).toEqual([]);
    tell('reconnected');
    pass(0);
    expect(asked).toEqual(['sent before']);
  });

  it('asks again while nobody answers, a few times', () => {
    const token = add('a');
    add('b');
    tell('disconnected');
    tell('reconnected');
    pass(0);
    outstanding.remove(token);
    for (let i = 0; i < 100; i++) pass(250);
    expect(asked).toEqual(['a', 'b', 'b', 'b', 'b', 'b']);
    expect(timers).toEqual([]);
  });

  it('asks nothing while it is away once more', () => {
    add('a');
    tell('disconnected');
    tell('reconnected');
    pass(0);
    tell('disconnected');
    pass(60_000);
    expect(asked).toEqual(['a']);
    tell('reconnected');
    pass(0);
    expect(asked).toEqual(['a', 'a']);
  });
});
