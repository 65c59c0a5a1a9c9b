/** Every process is replaced, one after the other, while queries come: nobody is to notice. */
import { acceptedQueries } from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Plant, startPlant } from '../harness/plant.js';
import { Producer } from '../harness/producer.js';

/** How often everything is replaced; `ROLLS=5` is the nightly size. */
const rolls = Number(process.env.ROLLS ?? 1);

let plant: Plant;
beforeAll(async () => {
  plant = await startPlant({ schedulers: 2, ingests: 2, workers: 3 });
});
afterAll(() => plant?.stop());

describe('a rolling restart under load', () => {
  it('loses no query, and fails none', async () => {
    const { system, bus, subjects } = plant;
    const before = await acceptedQueries(bus, subjects);
    // Limits that a busy machine keeps while a process starts on it.
    const producer = await Producer.start(system.natsUrl, { rate: 200, sloMs: 2_000 });
    const names = system.processes().map(({ name }) => name);
    const notices: string[] = [];
    for (let roll = 0; roll < rolls; roll++) {
      for (const name of names) {
        const seen = producer.first.length;
        await system.restart(name);
        const ends = producer.first.slice(seen);
        const missed = ends.filter(({ outcome }) => outcome !== 'ok').length;
        notices.push(`${name} ${missed}/${ends.length}`);
      }
    }
    await producer.finish();
    const { ever, waiting } = await acceptedQueries(bus, subjects);
    const { ok = 0, late = 0, expired = 0, ...others } = producer.counts();
    const attainment = ((100 * ok) / producer.sent).toFixed(3);
    console.log(
      `${rolls} times ${names.length} processes, ${producer.sent} queries: ${JSON.stringify(producer.counts())}, ` +
        `attainment ${attainment} %, second answers ${producer.second.length}\nnot ok while each was replaced: ${notices.join(', ')}`,
    );
    // No refusal, none that failed, none without an end, none twice.
    expect(others).toEqual({});
    expect(ok + late + expired).toBe(producer.sent);
    expect(ever - before.ever).toBe(producer.sent);
    expect(waiting).toBe(0);
    expect(producer.second).toEqual([]);
    expect(ok).toBeGreaterThan(producer.sent / 2);
  }, 300_000);
});
