/** `chaos`: faults on a seeded plan under a load, a witness of every query, a verdict. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  type ChaosDocument,
  chaosText,
  documentOf,
  markdown,
  type PlannedFault,
  planLines,
  runChaos,
  timelineFile,
  timelineSvg,
  verdictOn,
} from '@slackline/chaos';
import { type Figures, Load } from '@slackline/load';
import { writableFolder } from '@slackline/local';
import type { Trace } from '@slackline/traces';
import { capacityNotes } from '../chaos/capacity.js';
import { chaosDevice } from '../chaos/emulated-device.js';
import type { ChaosChoices } from '../chaos/options.js';
import { checkRunning } from '../chaos/running.js';
import { type ChaosSetup, planOf, populationOf, replayOf, setupOf } from '../chaos/setup.js';
import { type ChaosSystem, withOwnSystem, withRunningSystem } from '../chaos/system.js';
import { checkTrace, type DemoLoad, demoLoad } from '../demo-load.js';
import { checkFolder } from '../fitting.js';
import { sizeOf } from '../pool.js';
import { readTraceOption } from '../traces/read.js';
import { type Screen, screenOn } from '../view/screen.js';
import { listenerOn } from './demo.js';

/** Processes compile what they run, and measure how they stand. Counts nowhere. */
const warmUpSeconds = 3;

/**
 * Runs it, prints and writes the result. Returns the verdict. Throws `Interrupted` before the load; an interrupted load still
 * gets its verdict.
 * @param args as they were given, for the line that runs the same again
 */
export async function chaos(
  choices: ChaosChoices,
  args: readonly string[],
  signal: AbortSignal,
): Promise<ChaosDocument['verdict']> {
  const setup = setupOf(choices);
  if (choices.nats !== undefined) checkRunning(args, choices, setup);
  await checkFolder('--out', choices.out);
  const screen = screenOn(choices.json ? process.stderr : process.stdout);
  const trace = await traceOf(choices, setup, screen, signal);
  // What a system of ours has is known before it is started.
  if (choices.nats === undefined) {
    const seconds = trace === undefined ? setup.seconds : trace.durationMs / 1_000;
    planOf(setup, { seconds, seed: choices.seed, population: populationOf(setup) });
  }
  const run = (notes: readonly string[], rate?: number) => (system: ChaosSystem) =>
    underFaults(system, { choices, setup, args, trace, notes, rate, screen, signal });
  const document = await (choices.nats === undefined
    ? onOwnSystem(choices, setup, screen, signal, run)
    : withRunningSystem(choices.nats, setup, signal, run([])));
  if (choices.out !== undefined) await write(choices.out, document);
  process.stdout.write(choices.json ? `${JSON.stringify(document)}\n` : chaosText(document));
  return document.verdict;
}

type Run = (notes: readonly string[], rate?: number) => (system: ChaosSystem) => Promise<ChaosDocument>;

async function onOwnSystem(
  choices: ChaosChoices,
  setup: ChaosSetup,
  screen: Screen,
  signal: AbortSignal,
  run: Run,
): Promise<ChaosDocument> {
  const usesOurs = choices.executor === 'emulated' && choices.deviceProfile === undefined;
  const device = usesOurs ? chaosDevice(sizeOf(setup.workers), availableParallelism(), setup.rate) : undefined;
  const files = device === undefined ? choices.deviceProfile : [device.file];
  try {
    const use = run(device === undefined ? [] : [device.reason], device?.rate);
    return await withOwnSystem(choices, setup, files, listenerOn(screen), signal, use);
  } finally {
    device?.remove();
    screen.done();
  }
}

interface Parts {
  readonly choices: ChaosChoices;
  readonly setup: ChaosSetup;
  readonly args: readonly string[];
  readonly trace: Trace | undefined;
  readonly notes: readonly string[];
  /** Unless one was asked for. */
  readonly rate: number | undefined;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

async function underFaults(system: ChaosSystem, parts: Parts): Promise<ChaosDocument> {
  const { choices, setup, screen, signal, trace } = parts;
  const { models, natsUrl, subjects, population } = system;
  const [first] = models;
  if (first === undefined) throw new Error('a system was ready without a model');
  const rate = setup.rate ?? parts.rate;
  const load = demoLoad(
    { system: { natsUrl }, subjects, model: first.entry, models: [...models] },
    { ...choices, ...setup, ...(rate !== undefined && { rate }) },
    trace,
  );
  const plan = planOf(setup, { seconds: load.seconds, seed: choices.seed, population });
  screen.note(`the plan (seed ${choices.seed}):`);
  for (const line of planLines(plan)) screen.note(line);
  screen.progress('warming up');
  await warmUp(load, signal);
  const { evidence, figures } = await runChaos({
    ...system,
    plan,
    load: load.options,
    seconds: load.seconds,
    sloMs: load.sloMs,
    phaseMs: phaseOf(setup, plan),
    floorAccuracy: Math.min(...models.flatMap(({ entry }) => entry.subnets.map(({ accuracy }) => accuracy))),
    signal,
    onFigures: (soFar) => screen.progress(progressText(soFar, load.seconds)),
    onFault: (text) => screen.note(text),
  });
  screen.done();
  const facts = factsOf(system, parts, load, plan, figures);
  return documentOf(facts, evidence, verdictOn(evidence, setup.hypotheses));
}

/** The first and the last part of a run are as long as the time between two faults. */
function phaseOf({ series, everyMs }: ChaosSetup, plan: readonly PlannedFault[]): number {
  return plan[0]?.atMs ?? series[0]?.everyMs ?? everyMs;
}

function progressText({ elapsedMs, outcomes, published }: Figures, seconds: number): string {
  const at = Math.min(seconds, elapsedMs / 1_000).toFixed(0);
  return `${at} of ${seconds} s: ${outcomes.ok} of ${published} answered in time`;
}

async function warmUp({ options, rate }: DemoLoad, signal: AbortSignal): Promise<void> {
  const load = new Load(
    { ...options, arrivals: { kind: 'constant', rate, seconds: warmUpSeconds, seed: 1 } },
    () => {},
  );
  const onAbort = () => load.stop();
  signal.addEventListener('abort', onAbort);
  try {
    await load.done;
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** What `--trace` names, read before anything is started. */
async function traceOf(
  choices: ChaosChoices,
  { seconds }: ChaosSetup,
  screen: Screen,
  signal: AbortSignal,
): Promise<Trace | undefined> {
  if (choices.trace === undefined) return undefined;
  const { rate, seed } = choices;
  const given = choices.seconds === undefined ? {} : { seconds };
  const trace = await readTraceOption(choices.trace, { ...given, rate, seed }, screen, signal);
  checkTrace(trace);
  return trace;
}

function factsOf(
  { models, executor, storage, isOwn }: ChaosSystem,
  { choices, setup, args, notes, signal }: Parts,
  load: DemoLoad,
  plan: readonly PlannedFault[],
  { lagMs }: Figures,
) {
  const { sloMs, seconds, rate, arrivals } = load;
  const workers = sizeOf(setup.workers);
  const gone = plan.filter(
    ({ kind, role, restoreMs }) => kind === 'kill' && role === 'worker' && restoreMs === undefined,
  );
  const [first] = models;
  const borne =
    first === undefined || !isOwn || models.length > 1
      ? []
      : capacityNotes(first.profile, { sloMs, workers, left: workers - gone.length, rate });
  return {
    model: models.map(({ entry }) => entry.name).join(', '),
    preset: choices.preset ?? null,
    replay: replayOf(args, choices, setup, rate),
    ...{ seed: choices.seed, seconds, sloMs, executor, storage, arrivals },
    policy: isOwn ? choices.policy : null,
    workers: isOwn ? workers : null,
    schedulers: isOwn ? setup.schedulers : null,
    ingests: isOwn ? setup.ingests : null,
    sendLagMs: { p99: lagMs.p99, max: lagMs.max },
    notes: [...notes, ...borne],
    interrupted: signal.aborted,
  };
}

async function write(folder: string, document: ChaosDocument): Promise<void> {
  await writableFolder(folder);
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(document, null, 2)}\n`);
  await writeFile(join(folder, 'report.md'), markdown(document));
  await writeFile(join(folder, timelineFile), timelineSvg(document));
}
