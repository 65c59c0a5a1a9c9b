/** What a leader wrote in time and the broker gets when another one leads: on a slow line, or from a process that stood still. */
import { headerNames } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { Tap } from '../harness/tap.js';
import { bus, scheduler, server, store, TestWorker, waiting } from './harness.js';

describe('an answer and an ack that arrive after their leader was replaced', () => {
  it('ack nothing: the new leader’s outcome stands, and only a raw inbox sees both', async () => {
    const tap = await Tap.start(server.url);
    try {
      await scheduler({ NATS_URL: tap.url });
      const worker = await TestWorker.join('w1');
      const answers: (string | undefined)[] = [];
      const inbox = bus.newInbox();
      bus.subscribe(inbox, ({ headers }) => answers.push(headers.get(headerNames.queryId)));
      await store('q1', 30_000, { [headerNames.replyTo]: inbox });
      const old = await worker.command();
      await scheduler();
      const letGo = tap.hold();
      await worker.finish();
      await expect.poll(() => tap.said.map(({ subject }) => subject)).toContain(inbox);
      // The old leader cannot renew, and the new one gets the query again: no ack has come.
      const again = await worker.command();
      expect(again.token).toBeGreaterThan(old.token);
      expect(again.queries.map(({ id }) => id)).toEqual(['q1']);
      expect(answers).toEqual([]);
      letGo();
      await expect.poll(() => answers).toEqual(['q1']);
      // The ack was written behind the answer, so it has come too.
      expect(await waiting()).toBe(1);
      await worker.finish();
      await expect.poll(() => answers).toEqual(['q1', 'q1']);
      await expect.poll(waiting).toBe(0);
    } finally {
      await tap.close();
    }
  });
});
