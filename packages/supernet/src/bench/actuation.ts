/**
 * What actuation costs against a static graph of the same subnet, in milliseconds per run and as ratios.
 *
 * Usage: node dist/bench/actuation.js [--net FILE] [--spec FILE] [--runs N] [--form auto|portable|blocked]
 *
 * The variants are run in turn, so that a busy machine slows them all; medians are printed, as JSON:
 *   steady       the subnet stays active, against its static graph run again and again
 *   alternating  the session changes subnet before every run, against static graphs run in the same order
 *   switchMs     making a subnet's weights anew, with a run of another subnet just before
 *   cachedMs     changing to a subnet whose weights are still there
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as ort from 'onnxruntime-node';
import { canonicalConfig, largestConfig, smallestConfig, subnetId } from '../config.js';
import { extract } from '../extract.js';
import type { HostedSubnet } from '../norms.js';
import { openSession } from '../ort.js';
import { SupernetSession } from '../runtime/session.js';
import { calibrate } from '../statistics.js';
import { readSupernet, type Supernet } from '../supernet.js';

const BATCHES = [1, 4, 16];
const CALIBRATION_ROWS = 64;
const WARM_UP_RUNS = 5;

type Times = Record<'still' | 'steady' | 'stillAlternating' | 'alternating' | 'switch' | 'cached', number[]>;

const { values: options } = parseArgs({
  options: {
    net: { type: 'string', default: 'models/fashion/net.onnx' },
    spec: { type: 'string', default: 'models/fashion/spec.json' },
    runs: { type: 'string', default: '200' },
    form: { type: 'string', default: 'auto' },
  },
});

/** Every group at the middle of its sizes. */
function middleConfig(supernet: Supernet) {
  const entries = supernet.groups.map(({ name, sizes }) => [name, sizes[Math.floor(sizes.length / 2)] ?? 0]);
  return canonicalConfig(supernet, Object.fromEntries(entries));
}

/** Pixels that follow from nothing but their position. */
function images(rows: number, rowElements: number): Uint8Array {
  return Uint8Array.from({ length: rows * rowElements }, (_, i) => (i * 2_654_435_761) >>> 24);
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

const round = (value: number) => Number(value.toFixed(4));

async function main(): Promise<void> {
  const supernet = readSupernet(readFileSync(options.net), JSON.parse(readFileSync(options.spec, 'utf8')));
  const [input] = supernet.inputs;
  if (input?.datatype !== 'uint8') throw new Error('This script sends uint8 images.');
  const sizes = input.shape.slice(1);
  const rowElements = sizes.reduce((product, size) => product * size, 1);
  const form = options.form === 'portable' || options.form === 'blocked' ? options.form : 'auto';
  const runs = Number(options.runs);
  const named = {
    largest: largestConfig(supernet),
    middle: middleConfig(supernet),
    smallest: smallestConfig(supernet),
  };
  const hosted: HostedSubnet[] = [];
  for (const config of Object.values(named)) {
    const statistics = await calibrate(supernet, config, images(CALIBRATION_ROWS, rowElements));
    hosted.push({ id: subnetId(supernet, config), config, statistics });
  }
  const stills = await Promise.all(
    hosted.map(({ config, statistics }) => openSession(extract(supernet, config, statistics))),
  );
  const session = await SupernetSession.open(supernet, hosted, { form });
  const forgetful = await SupernetSession.open(supernet, hosted, { form, actuatedBytes: 0 });
  const results = [];
  for (const [index, subnet] of hosted.entries()) {
    const other = (index + 1) % hosted.length;
    for (const batch of BATCHES) {
      const data = images(batch, rowElements);
      const still = (which: number) => {
        const tensor = new ort.Tensor('uint8', data, [batch, ...sizes]);
        return stills[which]?.run({ [input.name]: tensor }) ?? Promise.reject(new Error('no such subnet'));
      };
      const times = { still: [], steady: [], stillAlternating: [], alternating: [], switch: [], cached: [] } as Times;
      for (let run = -WARM_UP_RUNS; run < runs; run++) {
        // What runs just before decides what the caches hold, so it is the same for both sides of a ratio.
        await still(index);
        const steadyStill = await timed(() => still(index));
        session.actuate(index);
        await session.run(data, batch);
        const steady = await timed(() => session.run(data, batch));
        await still(other);
        const stillAlternating = await timed(() => still(index));
        session.actuate(other);
        await session.run(data, batch);
        const cached = { ms: 0 };
        const alternating = await timed(() => {
          cached.ms = session.actuate(index);
          return session.run(data, batch);
        });
        forgetful.actuate(other);
        await forgetful.run(data, batch);
        const anew = forgetful.actuate(index);
        if (run < 0) continue;
        times.still.push(steadyStill);
        times.steady.push(steady);
        times.stillAlternating.push(stillAlternating);
        times.alternating.push(alternating);
        times.switch.push(anew);
        times.cached.push(cached.ms);
      }
      results.push({
        subnet: subnet.id,
        batch,
        extractedMs: round(median(times.still)),
        steadyMs: round(median(times.steady)),
        steadyRatio: round(median(times.steady) / median(times.still)),
        alternatingRatio: round(median(times.alternating) / median(times.stillAlternating)),
        switchMs: round(median(times.switch)),
        cachedMs: round(median(times.cached)),
      });
    }
  }
  await Promise.all(stills.map((still) => still.release()));
  const { form: used, actuatedBytes } = session;
  await Promise.all([session.release(), forgetful.release()]);
  const overall = {
    steadyRatio: median(results.map(({ steadyRatio }) => steadyRatio)),
    alternatingRatio: median(results.map(({ alternatingRatio }) => alternatingRatio)),
    switchMs: Math.max(...results.map(({ switchMs }) => switchMs)),
  };
  console.log(
    JSON.stringify({ form: used, runs, node: process.version, actuatedBytes, overall, results }, undefined, 2),
  );
}

await main();
