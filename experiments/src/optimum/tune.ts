/**
 * A quick look at policies while they are designed: node experiments/dist/optimum/tune.js [policy ...]
 * Solves windows of a seed that the figure does not use, keeps the optima in .cache/optimum, and prints each policy's ratios.
 * From the environment: SET=long (or short), QUERIES to a window instead of the set's length, SEED, PLANS=1 for what plans
 * are made of.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inCheckout } from '@slackline/local';
import { defaultPolicy } from '@slackline/scheduling';
import { v100 } from '../cells/devices.js';
import { comparedPolicies, fixedName } from '../cells/policies.js';
import { TaskPool } from '../threads/pool.js';
import { planStatistics } from './plan-statistics.js';
import { ratiosOf } from './ratios.js';
import type { WindowResult } from './run-window.js';
import { windowSet } from './sets.js';
import type { Window } from './windows.js';

const developmentSeed = 1_000;
const { sloMs, ...device } = v100();
const seed = Number(process.env.SEED ?? developmentSeed);
const name = process.env.SET === 'long' ? 'long' : 'short';
const queries = process.env.QUERIES === undefined ? undefined : Number(process.env.QUERIES);
const all = windowSet(name, device, sloMs, { seed, ...(queries !== undefined && { queries }) });
const smallest = fixedName(device.subnets[0]?.id ?? '');
const asked = process.argv.slice(2);
const policies = [...new Set([smallest, ...(asked.length > 0 ? asked : comparedPolicies(defaultPolicy, device))])];

const folder = inCheckout('.cache/optimum');
mkdirSync(folder, { recursive: true });
const fileOf = ({ instance }: Window) =>
  join(folder, `${createHash('sha256').update(JSON.stringify(instance)).digest('hex').slice(0, 24)}.json`);

const options = { relativeGap: 1e-3, timeLimitMs: 180_000 };

/** One that was not proved is solved again: the machine may have been busy. */
function known(window: Window): WindowResult['solved'] | undefined {
  try {
    const solved = JSON.parse(readFileSync(fileOf(window), 'utf8')) as WindowResult['solved'];
    return solved.gap <= options.relativeGap ? solved : undefined;
  } catch {
    return undefined;
  }
}

const pool = new TaskPool(2, new AbortController().signal);
const subnets = device.subnets.map(({ id }) => id);
const tasks = all.map((window) => {
  const solved = known(window);
  return { instance: window.instance, subnets, policies, options, ...(solved !== undefined && { solved }) };
});
const results = await pool.map('optimum-window', tasks, (done) => process.stderr.write(`\r${done} of ${all.length} `));
await pool.close();
process.stderr.write('\n');

results.forEach(({ solved, utilities }, i) => {
  const window = all[i];
  if (window === undefined) return;
  writeFileSync(fileOf(window), JSON.stringify(solved));
  const ratios = policies.map((name, p) => `${name} ${((utilities[p] ?? 0) / solved.plan.utility).toFixed(4)}`);
  const { kind, load, instance, spec } = window;
  const shown = policies.length <= 4 ? `  ${ratios.join('  ')}` : '';
  console.log(
    `${kind} ${spec} n ${instance.arrivals.length} load ${load.toFixed(2)} optimum ${solved.plan.utility.toFixed(2)} ` +
      `gap ${solved.gap.toExponential(1)} ${Math.round(solved.solveMs)} ms${shown}`,
  );
  if (process.env.PLANS === '1') console.log(`    ${planStatistics(instance, solved.plan, subnets)}`);
});
for (const { policy, mean, worst, captured, capturedOfAll } of ratiosOf(results, policies, smallest)) {
  const shown = Object.entries({ mean, worst, captured, 'of all': capturedOfAll });
  console.log(policy.padEnd(20), ...shown.map(([name, value]) => `${name} ${value.toFixed(4)} `));
}
console.log(
  `${all.filter(({ load }) => load >= 0.7).length} of ${all.length} windows at 0.7 or more of the smallest's capacity`,
);
