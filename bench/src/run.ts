/** Runs the parts one after the other within the time of the run, and joins what they found. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { defaultPolicy } from '@slackline/scheduling';
import { Budget } from './budget.js';
import { sloMs } from './contender.js';
import { OutOfTime, Skipped, textOf } from './context.js';
import { type BusDocument, isComparable } from './document.js';
import type { CpuProfile } from './flame/index.js';
import { type Job, jobs } from './jobs.js';
import { commit, machine, StolenTime } from './machine.js';
import type { Options } from './options.js';
import { full, type Pace, quick } from './pace.js';
import { defaultDeviceProfile, devices, readTable } from './slackline/settings.js';

/** Kept back at the end: for processes to end, and results to be written. */
const reservedSeconds = 8;

export interface RunResult {
  readonly document: BusDocument;
  /** Of processes under full load. */
  readonly profiles: Readonly<Record<string, CpuProfile>>;
  /** What failed; what was skipped has not. */
  readonly failed: readonly string[];
}

/**
 * @param earlier what an earlier run found, for rates that this one does not measure
 * @param pace default: that of the options
 * @throws the reason of `signal`; what was started has ended then
 */
export async function runParts(
  options: Options,
  earlier: BusDocument | undefined,
  signal: AbortSignal,
  say: (text: string) => void,
  pace: Pace = options.quick ? quick : full,
): Promise<RunResult> {
  const startedAtMs = performance.now();
  const stolen = new StolenTime();
  const budget = new Budget(Math.max(1, 60 * options.minutes - reservedSeconds));
  const document = await emptyDocument(options);
  const usable = earlier !== undefined && isComparable(earlier, document) ? earlier : undefined;
  const profiles: Record<string, CpuProfile> = {};
  const troubles: string[] = [];
  const guessed: string[] = [];
  const weight = (job: Job) => (options.quick ? job.weight.quick : job.weight.full);
  const asked = jobs.filter(({ parts }) => parts.some((name) => options.only.includes(name)));
  const ending = endingAfter(budget.left(), signal);
  try {
    for (const [place, job] of asked.entries()) {
      const others = asked.slice(place + 1).reduce((sum, other) => sum + weight(other), 0);
      const time = budget.part(weight(job), others);
      say(`${nameOf(job)}: at most ${Math.round(time.left())} s of the ${Math.round(budget.left())} s left`);
      const trouble = (text: string) => {
        const whole = `${nameOf(job)}: ${text}`;
        say(`${whole}; it goes on`);
        troubles.push(whole);
      };
      const context = { time, pace, choices: choicesOf(options), signal: ending.signal, say, trouble };
      try {
        ending.signal.throwIfAborted();
        Object.assign(document, await job.run(context, { document, earlier: usable, options, profiles, guessed }));
      } catch (failure) {
        signal.throwIfAborted();
        // What was under way when the time was up says only that it was broken off.
        const error: unknown = ending.signal.aborted ? ending.signal.reason : failure;
        const text = textOf(error);
        const isSkipped = error instanceof Skipped;
        say(`${nameOf(job)}: ${isSkipped ? 'skipped' : 'FAILED'}: ${text}`);
        if (!isSkipped) troubles.push(`${nameOf(job)}: ${text}`);
        Object.assign(document, job.without(isSkipped ? { skipped: text } : { failed: text }, options));
      }
    }
  } finally {
    ending.cancel();
  }
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
  const share = stolen.share();
  document.run = { ...document.run, seconds, troubles, guessed, ...(share !== undefined && { stolen: share }) };
  return { document, profiles, failed: troubles };
}

function nameOf({ parts }: Job): string {
  return parts.join(' and ');
}

async function emptyDocument({ quick: isQuick, policy, deviceProfile }: Options): Promise<BusDocument> {
  const file = deviceProfile ?? defaultDeviceProfile;
  const table = readTable(file);
  const at = await commit();
  const run = {
    ...(at !== undefined && { commit: at }),
    ...{ startedAt: new Date().toISOString(), seconds: 0, quick: isQuick, policy: policy ?? defaultPolicy, sloMs },
    devices: `${devices} of ${table.deviceClass}, in one process`,
    deviceProfile: createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12),
    ...{ troubles: [], guessed: [], earlier: {} },
  };
  return { machine: await machine(), run };
}

function choicesOf({ deviceProfile, policy }: Options) {
  return { ...(deviceProfile !== undefined && { deviceProfile }), ...(policy !== undefined && { policy }) };
}

/** A signal that aborts when another one does, and with `OutOfTime` after so many seconds. */
function endingAfter(seconds: number, signal: AbortSignal): { signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  const timer = setTimeout(() => controller.abort(new OutOfTime()), 1_000 * seconds);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const cancel = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  return { signal: controller.signal, cancel };
}
