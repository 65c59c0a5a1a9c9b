/**
 * Speed of the simulator on this machine, as workers, load and queue grow.
 *
 * Usage: node dist/bench/simulator.js [--json] [--policy NAME] [--report FOLDER] [--quick]
 *
 * Prints a table, or with --json one document; progress goes to stderr. --report writes simulator.md and its plot into a folder.
 * --quick simulates a tenth as many queries, once each, to see that everything works.
 */
import { parseArgs } from 'node:util';
import { defaultPolicy } from '@slackline/scheduling';
import { cases } from './cases.js';
import { measure } from './measure.js';
import { type Document, machine, text, writeReport } from './report.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    policy: { type: 'string', default: defaultPolicy },
    report: { type: 'string' },
  },
});

const [queries, runs] = options.quick ? [50_000, 1] : [500_000, 3];
const [first] = cases;
if (first === undefined) throw new RangeError('there is nothing to measure');
// The first simulations of a process run code that is not compiled yet.
measure(first, options.policy, queries, 1);
const timings = cases.map((each) => {
  process.stderr.write(`${each.series}: ${each.workers} workers, ${each.ratePerS} queries/s, ${each.queued} waiting\n`);
  return measure(each, options.policy, queries, runs);
});
const document: Document = {
  policy: options.policy,
  queriesPerSAt8Workers: timings[0]?.queriesPerS.median ?? 0,
  timings,
  machine: machine(),
  quick: options.quick,
};
if (options.report !== undefined) writeReport(options.report, document);
process.stdout.write(`${options.json ? JSON.stringify(document) : text(document)}\n`);
