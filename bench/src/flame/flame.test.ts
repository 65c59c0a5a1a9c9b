import { expect, test } from 'vitest';
import { type CpuProfile, flameGraph, shares, sharesText } from './index.js';
import { callTree } from './profile.js';

type Node = CpuProfile['nodes'][number];

const node = (id: number, functionName: string, url: string, children: number[] = [], lineNumber = 0): Node => ({
  id,
  callFrame: { functionName, scriptId: '0', url, lineNumber, columnNumber: 0 },
  children,
});

const ours = 'file:///home/me/slackline/services/scheduler/dist/term.js';
const client = 'file:///home/me/slackline/node_modules/nats/lib/nats-base-client/protocol.js';
const other = 'file:///home/me/slackline/node_modules/msgpackr/pack.js';

/** `decide` is there twice under the same caller, as V8 does after it has optimized a function anew. */
const profile: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 9], -1),
    node(2, '(idle)', '', [], -1),
    node(3, 'run', ours, [4, 5, 6, 7], 10),
    node(4, 'decide', ours, [], 20),
    node(5, 'decide', ours, [8], 20),
    node(6, 'publish', client, [10], 30),
    node(7, 'pack', other, [], 40),
    node(8, 'set', '', [], -1),
    node(9, '(garbage collector)', '', [], -1),
    node(10, '', 'node:net', [], 50),
  ],
  startTime: 1_000,
  endTime: 11_000,
  samples: [2, 4, 5, 8, 6, 10, 7, 9, 2],
  timeDeltas: [500, 3_000, 1_000, 500, 500, 1_000, 1_000, 500, 1_000],
};

test('adds up the time until the next sample, merges the same function of the same callers, leaves waiting out', () => {
  const { root, idleUs } = callTree(profile);
  // Samples last 3000, 1000, 500, 500, 1000, 1000, 500, 1000 and, to the end, 1000 microseconds.
  expect(idleUs).toBe(4_000);
  expect(root.totalUs).toBe(5_500);
  expect(root.callees.map(({ name, totalUs }) => [name, totalUs])).toEqual([
    ['run', 4_500],
    ['(garbage collector)', 1_000],
  ]);
  const run = root.callees[0];
  expect(run?.callees.map(({ name, owner, selfUs, totalUs }) => [name, owner, selfUs, totalUs])).toEqual([
    ['decide', 'slackline', 1_500, 2_000],
    ['publish', 'client', 1_000, 2_000],
    ['pack', 'package', 500, 500],
  ]);
});

test('tells whose the time is, and for whom Node worked', () => {
  const { busyMs, idleMs, byOwner, functions } = shares(profile, 2);
  expect([busyMs, idleMs]).toEqual([5.5, 4]);
  const us = byOwner.map(({ owner, self, caused }) => [owner, Math.round(self * 5_500), Math.round(caused * 5_500)]);
  expect(us).toEqual([
    ['slackline', 1_500, 2_000],
    ['client', 1_000, 2_000],
    ['package', 500, 500],
    // Nobody called the garbage collector.
    ['node', 2_500, 1_000],
  ]);
  expect(functions.map(({ name, place }) => `${name} ${place}`)).toEqual([
    'decide term.js:21',
    'publish protocol.js:31',
  ]);
  expect(sharesText({ busyMs, idleMs, byOwner, functions })).toContain(
    '| `decide` | Slackline | term.js:21 | 27.3 % |',
  );
});

test('draws it: shares of busy time, names of functions without one, waiting nowhere', () => {
  const svg = flameGraph(profile, { title: 'scheduler & co', width: 800 });
  expect(svg).toContain('width="800"');
  expect(svg).toContain('scheduler &amp; co');
  expect(svg).toContain('6 ms of 10 ms (58 %)');
  expect(svg).toContain('<title>decide, 36.4 %, Slackline, term.js:21</title>');
  expect(svg).toContain('<title>(anonymous) node:net:51, 18.2 %, Node and V8, node:net:51</title>');
  expect(svg).not.toContain('(idle)');
});

test('a profile without busy time is a picture too', () => {
  const idle: CpuProfile = { ...profile, samples: [2, 2], timeDeltas: [0, 10] };
  expect(flameGraph(idle, { title: 'idle' })).toContain('0 ms of 10 ms');
  expect(shares(idle).byOwner.every(({ self, caused }) => self === 0 && caused === 0)).toBe(true);
});

test('refuses nodes that are no tree', () => {
  const circle: CpuProfile = {
    ...profile,
    nodes: [node(1, '(root)', '', [2]), node(2, 'a', ours, [3]), node(3, 'b', ours, [2])],
  };
  expect(() => callTree(circle)).toThrow('no tree');
  expect(() => callTree({ ...profile, nodes: [node(1, '(root)', '', [7])] })).toThrow('no tree');
});
