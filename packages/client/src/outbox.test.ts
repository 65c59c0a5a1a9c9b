import { type BusStatus, type Clock, HeaderLines, headerNames, type PublishOptions } from '@slackline/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { Outbox } from './outbox.js';

const published: { subject: string; options: PublishOptions | undefined }[] = [];
let tell: (status: BusStatus) => void = () => {};
let nowMs = 0;
let outbox: Outbox;
beforeEach(() => {
  published.length = 0;
  nowMs = 0;
  const clock: Clock = { now: () => nowMs, after: () => () => {} };
  const bus = {
    publish: (subject: string, _data: Uint8Array, options?: PublishOptions) =>
      void published.push({ subject, options }),
    onStatus: (listener: (status: BusStatus) => void) => {
      tell = listener;
    },
  };
  outbox = new Outbox(bus, clock);
});

const send = (sloMs: number | undefined, bytes = 1) =>
  outbox.send({
    subject: 'infer.m',
    body: new Uint8Array(bytes),
    headers: HeaderLines.none,
    reply: 'inbox.1',
    sloMs,
  });
const limits = () => published.map(({ options }) => HeaderLines.of(options?.headers ?? {}).get(headerNames.sloMs));

describe('queries that are sent while the connection is away', () => {
  it('go when it is back, in their order, with what is left of their time', () => {
    send(100);
    tell('disconnected');
    send(100);
    nowMs = 30;
    send(50);
    send(undefined);
    expect(limits()).toEqual(['100']);
    nowMs = 60;
    tell('reconnected');
    expect(limits()).toEqual(['100', '40', '20', undefined]);
    expect(published.every(({ options }) => options?.reply === 'inbox.1')).toBe(true);
    send(100);
    expect(limits().at(-1)).toBe('100');
  });

  it('say what is left in so many digits as a header may have', () => {
    tell('disconnected');
    send(100);
    nowMs = 99.987_654_321_012_34;
    tell('reconnected');
    expect(limits()).toEqual(['0.012']);
  });

  it('do not go when their time is over', () => {
    tell('disconnected');
    send(100);
    nowMs = 100;
    tell('reconnected');
    expect(published).toEqual([]);
  });

  it('are refused beyond a bound of memory, which is free again at the reconnect', () => {
    tell('disconnected');
    send(1_000, 60 * 1024 * 1024);
    expect(() => send(1_000, 5 * 1024 * 1024)).toThrow(expect.objectContaining({ code: 'unavailable' }));
    send(1_000, 3 * 1024 * 1024);
    tell('reconnected');
    expect(published).toHaveLength(2);
    tell('disconnected');
    send(1_000, 60 * 1024 * 1024);
  });

  it('are bounded in number too, however small they are', () => {
    tell('disconnected');
    const many = () => {
      for (let i = 0; i < 100_000; i++) send(1_000, 0);
    };
    expect(many).toThrow(expect.objectContaining({ code: 'unavailable' }));
  });
});
