import { describe, expect, test } from 'vitest';
import type { BusDocument } from '../document.js';
import { type Highest, highestOf } from '../parts/highest.js';
import type { Step } from '../stage.js';
import { summaryOf } from '../summary.js';
import { step } from '../testing/step.js';
import { goalsSection } from './goals.js';
import { plotsOf } from './plots.js';
import { reportOf } from './report.js';

const highest = (steps: readonly Step[]) => highestOf([steps], steps) as Highest;
const ours = highest([
  ...[step('slackline', 9_190, 0.98, 'probe'), step('slackline', 8_750, 0.9999), step('slackline', 9_190, 0.98)],
]);
const bare = highest([step('ceiling', 14_250, 1)]);
const traceRun = (policy: string, attainment: number, accuracy: number) => ({
  ...{ policy, queries: 9, attainment, within36: attainment, accuracy, refused: 0, outcomes: {}, windows: [] },
  latencyMs: { p50: 1, p99: 2 },
  sendLagMs: { p99: 1, max: 1 },
});
const document: BusDocument = {
  machine: { cpu: 'A processor', cores: 2, memoryGiB: 24, node: 'v20', natsServer: '2.12.8', loadAverage: 0.5 },
  run: {
    startedAt: 'now',
    seconds: 9,
    quick: false,
    policy: 'budgetfit',
    sloMs: 36,
    devices: 'eight',
    deviceProfile: 'abc',
    guessed: [],
    troubles: [],
    earlier: { trace: 'yesterday' },
  },
  slackline: ours,
  ceiling: bare,
  ratio: { ofHighest: 0.614, byRound: [0.614] },
  overheadMs: { skipped: 'the time of the run was over' },
  storage: [
    {
      ...{ storage: 'file', payloadBytes: 150_000, stepSeconds: 4, slackline: ours, ceiling: bare, ratio: undefined },
      overheadMs: { p50: 2.5, p99: 4, p999: 5 },
      cost: { rate: 275, cpuSecondsPer1000: 0.9, processes: [{ process: 'nats', cpuSecondsPer1000: 0.9 }] },
    },
  ],
  peers: [{ name: 'fastify small', steps: [step('fastify small', 800, 0.5)] }],
  trace: {
    ...{ file: 'f', recorded: 'Recorded', seconds: 120, rate: 5_833, peak: 8_700 },
    ours: traceRun('budgetfit', 0.99995, 0.789),
    fixed: [traceRun('fixed:small', 1, 0.71)],
    bestFixed: { policy: 'fixed:small', accuracy: 0.71 },
    notRun: ['fixed:large'],
    whyNotRun: 'there was no time',
  },
};

test('a report says the ratio first, names the machine, and what was not run', () => {
  const text = reportOf(document);
  expect(text.indexOf('0.61 x')).toBeLessThan(text.indexOf('8,750'));
  for (const part of [
    '2 cores of A processor',
    'nats-server 2.12.8, load average 0.50',
    '| slackline | 8,750 | 1 of 1 | 0.9999 | 0.9999 | – | 10.0 | 30.0 | – | 8,750 |',
    '| slackline | 8,750, not 9,190 |',
    '| ceiling | ≥ 14,250 |',
    '| 8,750 | 1 of 1 | – |',
    'In 3 of these 3 steps the load itself lagged',
    'Not run: the time of the run was over.',
    'each of 4.0 s',
    '| file | 150 kB | – | 8,750 | 0.9999 | 0.9999 | 30.0 | 0.150 | ≥ 14,250 | 1.0000 | 30.0 | 0.150 |',
    '| memory | 784 B | 0.61 x | 8,750 |',
    '| file | 150 kB | 2.50 | 4.00 | – | – |',
    '| file | 150 kB | 275 | nats | 900 | 0.900 | – | – | – | – |',
    '| 800 | fastify small | 0.5000 | 0.5000 | – | – |',
    'Slackline is 7.90 points more accurate',
    'Found by earlier runs on this machine: trace (yesterday).',
    'Not run: `fixed:large`, as there was no time.',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('Tiny settings');
  expect(text).not.toContain('by another run');
  const ofTwo = { ...document, run: { ...document.run, earlier: { storage: 'yesterday' } } };
  expect(reportOf(ofTwo)).toContain('Small bodies in memory were measured by another run');
  expect(text).not.toMatch(/undefined|NaN|null/);
});

test('what carried nothing has no figures, and says why', () => {
  const nothing = highestOf([[step('slackline', 8_750, 0.5)]], [step('slackline', 8_750, 0.5)]);
  if ('qps' in nothing) throw new Error('something was found');
  const { ratio: _, ...rest } = document;
  const text = reportOf({ ...rest, slackline: nothing });
  expect(text).toContain('No rate of slackline: it failed: 1 of 1 rounds held no rate.');
  expect(text).toContain('| slackline | – | – | – | – | – | – | – | – |');
  expect(text).toContain('| slackline | none, not 8,750 |');
  expect(text).not.toMatch(/undefined|NaN|null/);
});

describe('the goals', () => {
  const rowsOf = (of: BusDocument) =>
    goalsSection(of)
      .join('\n')
      .split('\n')
      .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
      .slice(1);

  test('are six, whatever was measured', () => {
    const none = rowsOf({ machine: document.machine, run: document.run });
    expect(none).toHaveLength(6);
    expect(none.every((row) => row.endsWith('| not measured | not measured |'))).toBe(true);
    expect(rowsOf(document)).toHaveLength(6);
  });

  test('are met by what is measured, on the trace only at the mean that is wanted', () => {
    const met = (of: BusDocument) => rowsOf(of).map((row) => /\| (yes|no|not measured) \|$/.exec(row)?.[1]);
    expect(met(document)).toEqual(['yes', 'yes', 'not measured', 'not measured', 'yes', 'yes']);
    expect(rowsOf(document)[4]).toContain('| ≥ 0.999 at a mean of 5,833/s | 0.99995 at 5,833/s |');
    const { trace } = document;
    if (trace === undefined || !('ours' in trace)) throw new Error('there is no trace');
    expect(met({ ...document, trace: { ...trace, rate: 5_000 } })[4]).toBe('no');
    const worse = { ...trace.ours, attainment: 0.99 };
    expect(met({ ...document, trace: { ...trace, again: worse } })[4]).toBe('no');
    expect(met({ ...document, ratio: { ofHighest: 0.49, byRound: [] } })[0]).toBe('no');
    const { slackline: _, ...without } = document;
    expect(met(without)).toEqual(['yes', 'not measured', 'not measured', 'not measured', 'no', 'yes']);
  });
});

test('a document that was written and read again makes the same report', () => {
  expect(reportOf(JSON.parse(JSON.stringify(document)) as BusDocument)).toBe(reportOf(document));
});

test('plots what was searched, and nothing where nothing was', () => {
  const plots = plotsOf(document);
  expect(Object.keys(plots)).toEqual(['attainment.svg', 'latency.svg']);
  expect(plots['attainment.svg']).toContain('slackline, short probes');
  expect(plotsOf({ machine: document.machine, run: document.run })).toEqual({});
});

test('sums up what there is', () => {
  expect(summaryOf(document)).toMatch(/slackline {2}8,750[\s\S]*ceiling {4}14,250[\s\S]*ratio[\s\S]*trace/);
  expect(summaryOf({ machine: document.machine, run: document.run })).toBe('');
});
