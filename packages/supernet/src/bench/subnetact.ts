/**
 * Speed and memory of actuation against extracted subnets, on this machine's CPU, as ratios from one run.
 *
 * Usage: node dist/bench/subnetact.js [--json] [--model FOLDER] [--out FOLDER] [--quick]
 *
 * Prints a table, or with --json one document; progress goes to stderr. Writes subnetact.md and its plots to --out
 * (`results` unless told otherwise). --quick measures a tenth as long, to see that everything works.
 */
import '../no-telemetry.js';
import { parseArgs } from 'node:util';
import { extract } from '../extract.js';
import { openSession } from '../ort.js';
import type { Document } from './document.js';
import { dynamicRange, throughputs } from './dynamic-range.js';
import { machine } from './machine.js';
import { rounded, summary } from './measure.js';
import { measureModel, measureResNet } from './memory.js';
import { measureRatios } from './ratios.js';
import { table, writeReport } from './report.js';
import { readServed } from './served.js';
import { measureSwitches } from './switching.js';

const HOSTED = 500;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    model: { type: 'string', default: 'models/fashion' },
    out: { type: 'string', default: 'results' },
  },
});

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Says how far a stage is, in steps of a tenth. */
function progressOf(stage: string): (done: number, total: number) => void {
  let said = -1;
  return (done, total) => {
    const tenth = Math.floor((10 * done) / total);
    if (tenth > said) say(`${stage}: ${done} of ${total}`);
    said = tenth;
  };
}

async function measure(): Promise<Document> {
  const { quick } = options;
  const model = readServed(options.model);
  const stills = await Promise.all(
    model.subnets.map(({ config, statistics }) => openSession(extract(model.supernet, config, statistics))),
  );
  const effort = quick
    ? { cellMs: 100, minRounds: 5, maxRounds: 40 }
    : { cellMs: 2_500, minRounds: 21, maxRounds: 400 };
  const cells = await measureRatios(model, stills, effort, progressOf('ratios'));
  for (const still of stills) await still.release();
  const switches = await measureSwitches(model, quick ? 5 : 50, progressOf('switches'));
  const rounds = quick ? 2 : 20;
  say(`memory: ${HOSTED} subnets hosted, ${rounds} runs of each of six`);
  const memory = await measureResNet(HOSTED, rounds);
  const shipped = await measureModel(model, rounds);
  const throughput = throughputs(model.subnets, cells);
  return {
    actuatedOverExtracted: {
      steady: summary(cells.map(({ steady }) => steady)),
      alternating: summary(cells.map(({ alternating }) => alternating)),
      anew: summary(cells.map(({ anew }) => anew)),
    },
    switchMs: summary(switches.map(({ switchMs }) => switchMs)),
    switchOverLoad: summary(switches.map(({ loadOverSwitch }) => loadOverSwitch)).median,
    memory,
    dynamicRange: dynamicRange(throughput),
    machine: await machine(),
    model: options.model,
    quick,
    detail: { cells, switches, throughputs: throughput, shippedModelMemory: shipped },
  };
}

const document = await measure();
writeReport(options.out, document);
console.log(options.json ? JSON.stringify(rounded(document), undefined, 2) : table(document));
