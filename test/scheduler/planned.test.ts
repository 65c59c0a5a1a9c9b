/** A policy that follows a plan, live: the plan is made on a thread beside, and decisions change with it. */
import { headerNames } from '@slackline/shared';
import { describe, expect, it } from 'vitest';
import { ask, running, scheduler, store, TestWorker, waiting } from './harness.js';

/** Finishes every batch, and remembers what it ran on. */
async function serve(worker: TestWorker, subnets: Map<string, string[]>): Promise<never> {
  for (;;) {
    const { subnet } = await worker.command();
    subnets.set(worker.id, [...(subnets.get(worker.id) ?? []), subnet]);
    await worker.finish();
  }
}

describe('proteus, live', () => {
  it('serves by default until it has a plan, then each worker on its variant, and ends cleanly', async () => {
    const service = await scheduler({ POLICY: 'proteus' });
    const subnets = new Map<string, string[]>();
    const failures: unknown[] = [];
    for (const id of ['w1', 'w2']) serve(await TestWorker.join(id), subnets).catch((error) => failures.push(error));
    // Without a plan the least accurate subnet serves.
    expect(await ask('first', 5_000)).toMatchObject({ outcome: 'ok', subnet: 'small' });
    // A demand that the most accurate subnet carries on both: the plan says so once it has been measured.
    let sent = 0;
    const send = setInterval(() => {
      sent += 1;
      store(`q${sent}`, 1_500, { [headerNames.resultKey]: `r${sent}` }).catch((error) => failures.push(error));
    }, 10);
    await expect
      .poll(() => [...subnets.values()].filter((each) => each.at(-1) === 'large'), { timeout: 20_000 })
      .toHaveLength(2);
    clearInterval(send);
    await expect.poll(waiting, { timeout: 20_000 }).toBe(0);
    expect(failures).toEqual([]);
    await service.stop();
    running.splice(running.indexOf(service), 1);
  });
});
