import { expect, test } from 'vitest';
import type { BusDocument } from '../document.js';
import { highestOf } from '../parts/highest.js';
import type { Step } from '../stage.js';
import { summaryOf } from '../summary.js';
import { plotsOf } from './plots.js';
import { reportOf } from './report.js';

const step = (contender: string, rate: number, attainment: number, kind: Step['kind'] = 'step'): Step => ({
  ...{ contender, kind, rate, seconds: 10, sent: 10 * rate, back: 10 * rate, within36: attainment, attainment },
  latencyMs: { p50: 10, p99: 30, p999: Number.NaN },
  sendLagMs: { p99: 6, max: 8 },
  passed: attainment >= 0.999,
  lagged: true,
  cpuSecondsPer1000: { load: 0.1 },
});
const ours = highestOf([8_750], [step('slackline', 8_750, 0.9999), step('slackline', 9_190, 0.98, 'probe')], 0.999);
const bare = highestOf([14_250], [step('ceiling', 14_250, 1)], 0.999);
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
    troubles: [],
    earlier: { trace: 'yesterday' },
  },
  slackline: ours,
  ceiling: bare,
  ratio: { ofMedians: 0.614, byRound: [0.614] },
  overheadMs: { skipped: 'the time of the run was over' },
  storage: [{ storage: 'file', payloadBytes: 150_000, slackline: ours, ceiling: bare, ratio: undefined }],
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
    '| slackline | 8,750 | 0.9999 | 10.0 | 30.0 | – | 8,750 | 8,750 |',
    '| 8,750 | 1 of 1 | – |',
    'In 2 of these 2 steps the load itself lagged',
    'Not run: the time of the run was over.',
    '| file | 150 kB | – | 8,750 |',
    '| 800 | fastify small | 0.5000 |',
    'Slackline is 7.90 points more accurate',
    'Found by earlier runs on this machine: trace (yesterday).',
    'Not run: `fixed:large`, as there was no time.',
  ]) {
    expect(text).toContain(part);
  }
  expect(text).not.toContain('Tiny settings');
  expect(text).not.toMatch(/undefined|NaN|null/);
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
