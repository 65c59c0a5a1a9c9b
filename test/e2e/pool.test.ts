/**
 * One pool of real worker processes in two device classes, one four times as slow as the other, that serve two models: a
 * supernet-like front, and a family of separate models that have to be loaded. What queries ask for holds on it, also when
 * there are more of them than it can bear.
 */
import type { Serving } from '@slackline/cli';
import { type Figures, type Group, Load, type LoadOptions, type Records, recordedOutcomes } from '@slackline/load';
import { defaultPolicy, tableOf } from '@slackline/scheduling';
import { unpack, workerTelemetry } from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeviceTable, serveEmulated, slowedV100 } from './devices.js';
import { because, reasonToSkip } from './slackline.js';

const sloMs = 720;
const classes = { fast: 20, slow: 80 } as const;
const models = ['imagenet', 'resnets'] as const;
/** Of one test: its load, and the time that a loaded machine takes for the rest. */
const limitMs = 90_000;

describe.skipIf(reasonToSkip !== undefined)(`a pool of two device classes and two models${because}`, () => {
  const tables = new Map<string, DeviceTable>();
  let serving: Serving;

  beforeAll(async () => {
    for (const model of models) {
      for (const [name, times] of Object.entries(classes)) {
        tables.set(`${model} ${name}`, await slowedV100(model, name, times, sloMs));
      }
    }
    const workers = [
      { deviceClass: 'fast', count: 2 },
      { deviceClass: 'slow', count: 2 },
    ];
    serving = await serveEmulated([...tables.values()], workers, defaultPolicy);
    await sent({ arrivals: { kind: 'constant', rate: 40, seconds: 2, seed: 1 } });
  }, limitMs);
  afterAll(() => serving?.stop());

  /** Spreads a load evenly over both models, and waits for its end. */
  async function sent(options: Pick<LoadOptions, 'arrivals'> & Partial<LoadOptions>): Promise<Figures> {
    const { system, subjects } = serving;
    const to = { natsUrl: system.natsUrl, subjectPrefix: subjects.prefix };
    const all = serving.models.map(({ entry }) => ({ entry }));
    const figures = await new Load({ ...to, models: all, ...options }, () => {}).done;
    const { ok, late, expired, failed } = figures.outcomes;
    const { overloaded, other } = figures.refused;
    expect(ok + late + expired + failed + overloaded + other).toBe(figures.published);
    expect(failed).toBe(0);
    return figures;
  }

  /** When queries were lost, and what the scheduler complained of: for whoever reads of a failure that does not come again. */
  function explained(records: Records | undefined, lagMs: number): string {
    const lost: number[] = [];
    for (const [query, dueMs] of records?.dueMs.entries() ?? []) {
      const outcome = recordedOutcomes[records?.outcome[query] ?? -1];
      if (outcome !== 'ok' && outcome !== 'late') lost.push(Math.round(dueMs / 100) / 10);
    }
    const complaints = ['ingest-0', 'scheduler-0'].flatMap((name) =>
      serving.system
        .service(name)
        .lastLines()
        .filter((line) => !line.includes('"level":30')),
    );
    return [`lost at ${[...new Set(lost)].join(', ')} s; sent up to ${lagMs.toFixed(0)} ms late`, ...complaints].join(
      '\n',
    );
  }

  /** The device class that an answer’s time of inference tells; undefined where a stall makes it unclear. */
  function classOf(records: Records, query: number): keyof typeof classes | undefined {
    const ranInMs = records.inferenceMs[query] ?? Number.NaN;
    const names = Object.keys(classes) as (keyof typeof classes)[];
    return names.find((name) => Math.abs(ranInMs / profiledMs(records, query, name) - 1) < 0.5);
  }

  /** What a query’s batch takes on a device of that class. */
  function profiledMs(records: Records, query: number, name: keyof typeof classes): number {
    const answered = records.subnets[records.subnet[query] ?? -1];
    const table = tables.get(`${answered?.model} ${name}`);
    if (table === undefined) return Number.NaN;
    const subnet = table.subnets.findIndex(({ id }) => id === answered?.id);
    return tableOf(table).estimate(subnet, records.batchSize[query] ?? 0);
  }

  it(
    'answers everything, in batches that each class has the time for',
    async () => {
      const arrivals = { kind: 'gamma', rate: 60, cv2: 4, seconds: 10, seed: 2 } as const;
      const { records, outcomes, published, lagMs } = await sent({ arrivals, records: true });
      expect(outcomes.ok + outcomes.late, explained(records, lagMs.max)).toBe(published);
      // Deadlines may be missed where the machine stands still, but not by planning with another class’s table.
      expect(outcomes.ok / published).toBeGreaterThan(0.97);

      if (records === undefined) throw new Error('there are no records');
      const answered = [...records.dueMs.keys()];
      const onSlow = answered.filter((query) => classOf(records, query) === 'slow');
      const onFast = answered.filter((query) => classOf(records, query) === 'fast');
      expect(onSlow.length + onFast.length).toBeGreaterThan(0.95 * answered.length);
      expect(onSlow.length).toBeGreaterThan(0);
      for (const query of onSlow) expect(profiledMs(records, query, 'slow')).toBeLessThan(sloMs);
      // The same batches would not have been in time on a slow device: sizes and subnets are chosen for each class.
      expect(onFast.filter((query) => profiledMs(records, query, 'slow') > sloMs).length).toBeGreaterThan(0);
      expect(new Set(records.subnets.map(({ model }) => model))).toEqual(new Set(models));
    },
    limitMs,
  );

  it(
    'answers no query below the accuracy that it asks for, under any load, and refuses what no subnet reaches',
    async () => {
      const minAccuracy = [0, 0.744, 0.79, 0.8061, 0.81].map((value) => ({ value, share: 1 }));
      const arrivals = { kind: 'gamma', rate: 250, cv2: 4, seconds: 8, seed: 3 } as const;
      const loadings: number[] = [];
      const told = serving.bus.subscribe(serving.subjects.telemetry('worker'), ({ data }) => {
        loadings.push(unpack('worker telemetry', workerTelemetry, data).meanActuationMs);
      });
      const { records, belowMinimum, refused, refusalCodes, outcomes } = await sent({
        arrivals,
        minAccuracy,
        records: true,
      });
      await told.drain();
      if (records === undefined) throw new Error('there are no records');
      expect(belowMinimum).toBe(0);
      const queries = [...records.dueMs.keys()];
      const outcomeOf = (query: number) => recordedOutcomes[records.outcome[query] ?? -1];
      for (const query of queries) {
        if (records.minAccuracy[query] === 0.81) expect(outcomeOf(query)).toBe('refused');
        const subnet = records.subnets[records.subnet[query] ?? -1];
        if (subnet !== undefined) expect(subnet.accuracy).toBeGreaterThanOrEqual(records.minAccuracy[query] ?? 1);
      }
      expect(refusalCodes.unreachable_accuracy).toBe(
        queries.filter((query) => records.minAccuracy[query] === 0.81).length,
      );
      // What there was too much of was refused at the door, or expired.
      expect(refused.overloaded).toBe(refusalCodes.overloaded ?? 0);
      expect(refused.overloaded + outcomes.expired).toBeGreaterThan(0);
      // The load was one under which those that ask for nothing get the smallest, and those that ask for the best are served too.
      const least = (wanted: number) => {
        const answers = queries.filter((query) => records.minAccuracy[query] === wanted);
        return Math.min(...answers.map((query) => records.subnets[records.subnet[query] ?? -1]?.accuracy ?? 1));
      };
      expect(least(0)).toBe(0.71);
      expect(queries.some((query) => records.minAccuracy[query] === 0.8061 && outcomeOf(query) === 'ok')).toBe(true);
      // The family’s networks had to be loaded in turn, and workers tell how long that took.
      expect(Math.max(...loadings)).toBeGreaterThanOrEqual(20 * 3.81);
    },
    limitMs,
  );

  it(
    'sheds low priority first and high priority last, when there is more than it can bear',
    async () => {
      const priority = [
        { value: 'low', share: 0.4 },
        { value: 'normal', share: 0.4 },
        { value: 'high', share: 0.2 },
      ] as const;
      // The smallest subnets bear about 250 a second on this pool, in the best batches: enough for high and normal together.
      const arrivals = { kind: 'poisson', rate: 350, seconds: 10, seed: 4 } as const;
      const { groups } = await sent({ arrivals, priority });
      const [low, normal, high] = (['low', 'normal', 'high'] as const).map((each) =>
        attainment(groups.filter((group) => group.priority === each)),
      );
      expect(high).toBeGreaterThan(0.95);
      expect(normal).toBeGreaterThan(0.6);
      expect(low).toBeLessThan(0.5);
    },
    limitMs,
  );
});

function attainment(groups: readonly Group[]): number {
  const sum = (of: (group: Group) => number) => groups.reduce((total, group) => total + of(group), 0);
  return sum(({ outcomes }) => outcomes.ok) / sum(({ published }) => published);
}
