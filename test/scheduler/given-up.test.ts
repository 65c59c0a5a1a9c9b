/** What producers are told of queries that are given up together, and so a little later. */
import { headerNames, parseAnswer } from '@slackline/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { ask, bus, running, scheduler, store, waiting } from './harness.js';

/** More than are told at once. */
const count = 200;
/** Less than any batch takes: they are given up as soon as they are read. */
const budgetMs = 30;

let told: string[];

/** Stores all of them in one write; resolves when the stream has them. */
const storeAll = (replyTo: string) =>
  Promise.all(Array.from({ length: count }, (_, i) => store(`q${i}`, budgetMs, { [headerNames.replyTo]: replyTo })));

beforeEach(() => {
  told = [];
});

const hear = () => {
  const replyTo = bus.newInbox();
  bus.subscribe(replyTo, (message) => {
    const { queryId, outcome } = parseAnswer(message);
    told.push(`${queryId} ${outcome}`);
  });
  return replyTo;
};

const all = Array.from({ length: count }, (_, i) => `q${i} expired`).sort();

describe('queries that are given up together', () => {
  it('are each told once, and acked', async () => {
    await scheduler();
    await storeAll(hear());
    await expect.poll(() => told.length).toBeGreaterThanOrEqual(count);
    await expect.poll(waiting).toBe(0);
    expect(told.sort()).toEqual(all);
  });

  it('are told before a scheduler stops that has no standby', async () => {
    const service = await scheduler();
    await ask('first', budgetMs);
    await storeAll(hear());
    // Read behind them, and told at once, as it is alone.
    await ask('last', budgetMs);
    running.splice(0);
    await service.stop();
    await expect.poll(() => told.length).toBeGreaterThanOrEqual(count);
    expect(await waiting()).toBe(0);
    expect(told.sort()).toEqual(all);
  });
});
