import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { presets } from '../presets/presets.js';
import { roles } from '../target/target.js';
import { type PlanOptions, planFaults, planLines, whyEmpty } from './plan.js';
import { faultKinds } from './series.js';

const series = fc.record(
  {
    kind: fc.constantFrom(...faultKinds),
    role: fc.constantFrom(...roles),
    everyMs: fc.integer({ min: 200, max: 20_000 }),
    fromMs: fc.integer({ min: 1, max: 20_000 }),
    count: fc.integer({ min: 1, max: 30 }),
  },
  { requiredKeys: ['kind', 'role'] },
);
const size = fc.integer({ min: 1, max: 16 });
const options: fc.Arbitrary<PlanOptions> = fc.record({
  series: fc.array(series, { maxLength: 5 }),
  seconds: fc.integer({ min: 3, max: 90 }),
  seed: fc.integer({ min: 0, max: 1_000_000 }),
  everyMs: fc.integer({ min: 500, max: 20_000 }),
  forMs: fc.integer({ min: 1, max: 5_000 }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  population: fc.record({ worker: size, scheduler: size, ingest: size, nats: fc.constant(1) }),
});

describe('a plan', () => {
  it('is the same for the same options', () => {
    fc.assert(
      fc.property(options, (given) => {
        expect(planFaults(given)).toEqual(planFaults(given));
      }),
    );
  });

  it('is in the order of time, within the load, and no longer than was asked for', () => {
    fc.assert(
      fc.property(options, (given) => {
        const plan = planFaults(given);
        const times = plan.map(({ atMs }) => atMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        for (const atMs of times) expect(atMs >= 0 && atMs < 1_000 * given.seconds).toBe(true);
        const most = given.series.reduce((sum, { count = Number.POSITIVE_INFINITY }) => sum + count, 0);
        expect(plan.length).toBeLessThanOrEqual(most);
        expect(planLines(plan)).toHaveLength(plan.length);
      }),
    );
  });

  it('leaves half of the workers and one of each other kind, unless what is killed is started again', () => {
    fc.assert(
      fc.property(options, (given) => {
        const dead = (role: string) =>
          planFaults(given).filter(
            (fault) => fault.kind === 'kill' && fault.role === role && fault.restoreMs === undefined,
          );
        const { worker, scheduler, ingest } = given.population;
        expect(dead('worker').length).toBeLessThanOrEqual(worker / 2);
        expect(dead('scheduler').length).toBeLessThan(scheduler);
        expect(dead('ingest').length).toBeLessThan(ingest);
        expect(dead('nats')).toEqual([]);
      }),
    );
  });

  it('has a reason where it is empty, and only there', () => {
    fc.assert(
      fc.property(options, (given) => {
        expect(whyEmpty(given) === undefined).toBe(planFaults(given).length > 0);
      }),
    );
    const population = { worker: 1, scheduler: 1, ingest: 1, nats: 1 };
    const given = { seconds: 30, seed: 1, everyMs: 5_000, forMs: 1, population };
    expect(whyEmpty({ ...given, series: [{ kind: 'kill', role: 'worker' }] })).toBe(
      'kill worker: without --restore at most half of the workers can be killed, and there is 1',
    );
    expect(whyEmpty({ ...given, seconds: 3, series: [{ kind: 'pause', role: 'worker' }] })).toBe(
      'the first pause worker is due at 5 s, and none can come after 1 s in a load of 3 s',
    );
  });

  it('differs by its seed in whom it hits, and without jitter in nothing else', () => {
    const paper = presets.paper;
    const given = { ...paper, forMs: 1, population: { worker: 8, scheduler: 1, ingest: 1, nats: 1 } };
    const [one, other] = [planFaults({ ...given, seed: 1 }), planFaults({ ...given, seed: 2 })];
    expect(one.map(({ atMs }) => atMs)).toEqual([12_000, 24_000, 36_000, 48_000]);
    expect(other.map(({ atMs }) => atMs)).toEqual([12_000, 24_000, 36_000, 48_000]);
    expect(one).not.toEqual(other);
  });

  it('of a preset does what its hypotheses count', () => {
    for (const { workers, schedulers, ingests, ...preset } of Object.values(presets)) {
      const population = { worker: workers, scheduler: schedulers, ingest: ingests, nats: 1 };
      const plan = planFaults({ ...preset, forMs: 2_000, seed: 1, population });
      const counted = preset.hypotheses
        .map((text) => /^(killed|faultsDone)=(\d+)$/.exec(text))
        .find((match) => match !== null);
      const planned = counted?.[1] === 'killed' ? plan.filter(({ kind }) => kind === 'kill') : plan;
      if (counted !== undefined) expect(planned).toHaveLength(Number(counted?.[2]));
      expect(plan.length).toBeGreaterThan(0);
    }
  });
});
