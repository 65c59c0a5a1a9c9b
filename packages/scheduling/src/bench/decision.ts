/**
 * What a decision costs: choosing for one free worker, and taking the batch out of the queue, under a backlog.
 *
 * Usage: node dist/bench/decision.js [--quick] [--report FOLDER] [--json]
 *
 * Prints a table. --report writes decision.md and decision.svg to a folder; --json prints everything as one document on
 * the last line; --quick measures a tenth of the decisions, and no million of queries.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { LatencyTable } from '../latency-table.js';
import { policyNames } from '../policies/registry.js';
import { type ProfileGrid, tableOf } from '../profile-table.js';
import { Backlog } from './backlog.js';
import { type Cell, type Measured, printed, writeReport } from './decision-report.js';
import { heapTimes } from './heaps.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    report: { type: 'string' },
  },
});

const decisions = options.quick ? 2_000 : 20_000;
const warmUp = options.quick ? 1_000 : 5_000;
const sizes = options.quick ? [1_000, 10_000, 100_000] : [1_000, 10_000, 100_000, 1_000_000];
const usual = { queued: 100_000, workers: 100 };
const workerCounts = [8, 100, 1_000, 10_000];

/** Six ResNets on a V100, which the repository brings along to emulate. */
function imagenetTable(): LatencyTable {
  const file = new URL('../../../../services/profiler/profiles/imagenet.emulated-v100.json', import.meta.url);
  return tableOf(JSON.parse(readFileSync(file, 'utf8')) as ProfileGrid);
}

/** A front with as many subnets as any search would give, for queries that ask for as many minima. */
function longTable(): LatencyTable {
  const subnets = Array.from({ length: 64 }, (_, i) => ({ id: `s${i}`, accuracy: 0.6 + i / 200 }));
  const batches = [1, 2, 4, 8, 16];
  const rowOf = (s: number, factor: number) => batches.map((batch) => factor * (1 + s / 16) * (0.7 + 0.3 * batch));
  return tableOf({
    batches,
    subnets: subnets.map((subnet, s) => ({ ...subnet, p50Ms: rowOf(s, 1), p99Ms: rowOf(s, 1.05) })),
  });
}

function measure(cell: Cell, table: LatencyTable): Measured {
  const backlog = new Backlog({ ...cell, table });
  for (let i = 0; i < warmUp; i += 1) backlog.step();
  const samples = new Float64Array(decisions);
  for (let i = 0; i < decisions; i += 1) samples[i] = backlog.step();
  samples.sort();
  const at = (share: number) => samples[Math.floor(share * (decisions - 1))] ?? 0;
  const measured = { ...cell, p50Us: at(0.5), p99Us: at(0.99), p999Us: at(0.999) };
  process.stderr.write(`${printed(measured)}\n`);
  return measured;
}

/** How steadily this machine runs a loop that does the same every time. */
function jitter(): { p50Us: number; p99Us: number } {
  let value = 1;
  const samples = Float64Array.from({ length: decisions }, () => {
    const beganMs = performance.now();
    for (let i = 0; i < 400; i += 1) value = (value * 1_103_515_245 + 12_345) % 2_147_483_648;
    return 1_000 * (performance.now() - beganMs);
  }).sort();
  const at = (share: number) => samples[Math.floor(share * (decisions - 1))] ?? value;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}

/** Policies by name; one of each kind that has a parameter. */
const policies = policyNames.map((name) => name.replace('<subnet>', 'smallest').replace('<accuracy>', '0.77'));

const table = imagenetTable();
// What is compiled for the first cell is thrown away and compiled anew for the next: begin with one of each.
for (const policy of policies) measure({ policy, queued: 1_000, workers: 8, mixed: true }, table);
process.stderr.write('warm\n');
const plain = policies.flatMap((policy) => [
  ...sizes.map((queued) => measure({ policy, queued, workers: usual.workers, mixed: false }, table)),
  ...workerCounts
    .filter((workers) => workers !== usual.workers)
    .map((workers) => measure({ policy, queued: usual.queued, workers, mixed: false }, table)),
]);
const front = longTable();
const mixed = policies.map((policy) => measure({ policy, ...usual, mixed: true }, front));
const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, node ${process.versions.node}`;
const document = {
  decisions,
  usual,
  quick: options.quick,
  machine,
  jitter: jitter(),
  plain,
  mixed,
  heaps: heapTimes(options.quick),
};
if (options.report !== undefined) writeReport(options.report, document);
if (options.json) process.stdout.write(`${JSON.stringify({ decision: document })}\n`);
