import { expect, test } from 'vitest';
import type { PlannedFault } from '../plan/plan.js';
import type { Target, Victim } from '../target/target.js';
import { monotonicMs } from '../time.js';
import { Injector } from './injector.js';

/** A process that notes what is done to it. */
function noting(name: string, done: string[]): Victim {
  const note = (what: string) => void done.push(`${what} ${name}`);
  return {
    ...{ role: 'worker', name, pid: 1, leads: false },
    kill: async () => note('kill'),
    stop: async () => note('stop'),
    start: async () => note('start'),
    pause: () => note('pause'),
    resume: () => note('resume'),
    cut: ({ kind }) => {
      if (kind === 'reset') throw new Error('no proxy');
      note(`cut ${kind}`);
      return () => note('mend');
    },
  };
}

const fault = (kind: PlannedFault['kind'], more: Partial<PlannedFault> = {}): PlannedFault => ({
  ...{ atMs: 1, kind, role: 'worker', victim: { draw: 0 }, ...more },
});

async function doneBy(plan: PlannedFault[], names = ['w-0']) {
  const done: string[] = [];
  const target: Target = { natsUrl: '', victims: async () => names.map((name) => noting(name, done)) };
  let left = plan.length;
  let allBegun = () => {};
  const begun = new Promise<void>((resolve) => {
    allBegun = resolve;
  });
  const injector = new Injector(target, plan, (text) => {
    if (!text.includes('whole') && --left === 0) allBegun();
  });
  injector.start(monotonicMs());
  if (names.length > 0) await begun;
  return { faults: await injector.end(), done };
}

test('each fault is done, and undone at once when the run ends', async () => {
  const forMs = 60_000;
  const plan = [
    fault('kill'),
    fault('kill', { restoreMs: forMs }),
    fault('restart'),
    fault('pause', { forMs }),
    fault('cut', { forMs, cut: { kind: 'drop' } }),
  ];
  const { faults, done } = await doneBy(plan);
  expect(done.filter((what) => what === 'kill w-0')).toHaveLength(2);
  expect(done.filter((what) => what === 'start w-0')).toHaveLength(2);
  expect(done).toEqual(expect.arrayContaining(['stop w-0', 'pause w-0', 'resume w-0', 'cut drop w-0', 'mend w-0']));
  expect(faults.map(({ error }) => error)).toEqual([null, null, null, null, null]);
  expect(faults.filter(({ wholeAtMs }) => wholeAtMs === null).map(({ planned }) => planned)).toEqual([plan[0]]);
});

test('a fault that cannot be done is noted, and the others are done all the same', async () => {
  const { faults, done } = await doneBy([fault('cut', { cut: { kind: 'reset' } }), fault('kill')]);
  expect(faults.map(({ error }) => error).sort()).toEqual(['no proxy', null].sort());
  expect(done).toEqual(['kill w-0']);
});

test('where there is nobody to hit, nobody is hit, and what had not begun is left out', async () => {
  const { faults } = await doneBy([fault('kill', { atMs: 60_000 })], []);
  expect(faults).toEqual([]);
});
