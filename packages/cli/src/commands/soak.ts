/** `soak`: a system of our own under a mixed load and random faults; everything must come back to its level. */
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import {
  runSoak,
  type SoakRun,
  type SoakVerdict,
  soakDocument,
  soakPlot,
  soakReport,
  soakText,
  verdictOnSoak,
} from '@slackline/chaos';
import { OptionError } from '../errors.js';
import type { SoakChoices } from '../soak/options.js';
import { screenOn } from '../view/screen.js';

/** Returns whether the verdict is a pass. Throws the reason of `signal`, and what starting a system throws. */
export async function soakCommand(choices: SoakChoices, signal: AbortSignal): Promise<boolean> {
  const { every, logs, json, out, ...rest } = choices;
  const screen = screenOn(json ? process.stderr : process.stdout);
  if (out !== undefined) await makeFolder(out);
  screen.progress('starting a system');
  const options = { ...rest, everyMs: every, ...(logs !== undefined && { logDir: logs }) };
  const run = await runSoak(options, signal, (text) => screen.note(text)).finally(() => screen.clear());
  const verdict = verdictOnSoak(run);
  if (out !== undefined) await writeReport(out, choices, run, verdict);
  process.stdout.write(json ? `${JSON.stringify(soakDocument(run, verdict))}\n` : soakText(run, verdict));
  return verdict.verdict === 'pass';
}

async function writeReport(out: string, choices: SoakChoices, run: SoakRun, verdict: SoakVerdict): Promise<void> {
  const plot = 'soak.svg';
  const where = { machine: machine(), command: commandOf(choices), plot };
  await writeFile(join(out, 'soak.md'), soakReport(run, verdict, where));
  await writeFile(join(out, plot), soakPlot(run));
}

/** Before a long run, not after it. Throws `OptionError`. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new OptionError(`--out takes a folder that can be written, not ${path}`, { cause });
  }
}

const commandOf = ({ minutes, seed, rate }: SoakChoices) =>
  `npm run soak -- --minutes ${minutes} --seed ${seed} --rate ${rate} --out results`;

function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${availableParallelism()} cores of ${cpu?.model.trim() ?? 'an unnamed processor'}, ${memory} GiB, node ${process.version}`;
}
