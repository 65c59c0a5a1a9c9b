/** The default command: starts a system, sends it a bursty load of labelled images, shows what happens, sums it up. */
import { writeFile } from 'node:fs/promises';
import type { Figures, LoadOptions } from '@slackline/load';
import { Load } from '@slackline/load';
import { acceptedQueries, type LatencyProfile } from '@slackline/shared';
import type { Trace } from '@slackline/traces';
import { checkTrace, type DemoLoad, demoLoad, warmUpOf } from '../demo-load.js';
import { type RunDocument, refusalsText, refusedOf, toDocument } from '../document.js';
import { CommandError, Failed } from '../errors.js';
import { Interrupted } from '../interrupt.js';
import { Monitor } from '../monitor.js';
import type { DemoChoices } from '../options.js';
import { profileDirectory } from '../paths.js';
import { sizeOf } from '../pool.js';
import { type Serving, startServing } from '../serving.js';
import { readTraceOption } from '../traces/read.js';
import { type RunTitle, runFrame, runLine } from '../view/frame.js';
import { type Screen, screenOn } from '../view/screen.js';
import { summary } from '../view/summary.js';
import { toSvg } from '../view/svg.js';

/** Runs the demonstration. Throws `Interrupted` before the load; an interrupted load still gives its result. */
export async function demo(choices: DemoChoices, signal: AbortSignal): Promise<RunDocument> {
  const screen = screenOn(choices.json ? process.stderr : process.stdout);
  const trace = await traceOf(choices, screen, signal);
  const serving = await startServing(choices, listenerOn(screen), signal);
  try {
    const run = await underLoad(serving, choices, trace, screen, signal);
    screen.done();
    if (choices.picture !== undefined) await writeFile(choices.picture, run.picture);
    return run.document;
  } finally {
    screen.progress('stopping');
    await serving.stop();
    screen.done();
  }
}

/** What `--trace` names, read before anything is started. */
async function traceOf(choices: DemoChoices, screen: Screen, signal: AbortSignal): Promise<Trace | undefined> {
  if (choices.trace === undefined) return undefined;
  const { seconds, rate, seed } = choices;
  const trace = await readTraceOption(choices.trace, { seconds, rate, seed }, screen, signal);
  checkTrace(trace, choices);
  return trace;
}

/**
 * Prints a result: for a program as the last line of standard output, or for a person. Throws `all_refused`, with the
 * document for a program, where nothing was served.
 */
export function printResult(document: RunDocument, json: boolean): void {
  const { published, interrupted } = document;
  const served = published === 0 || interrupted || refusedOf(document) < published;
  if (!json) process.stdout.write(summary(document));
  else if (served) process.stdout.write(`${JSON.stringify(document)}\n`);
  if (served) return;
  const why = `Every query was refused: ${refusalsText(document)}.`;
  throw new Failed(document, new CommandError(why, { code: 'all_refused' }));
}

/** Tells a person what a starting system does. */
export function listenerOn(screen: Screen): Parameters<typeof startServing>[1] {
  return {
    onProgress: (text) => screen.progress(text),
    onNote: (text) => screen.note(text),
  };
}

async function underLoad(
  serving: Serving,
  choices: DemoChoices,
  trace: Trace | undefined,
  screen: Screen,
  signal: AbortSignal,
) {
  const { bus, subjects } = serving;
  const load = demoLoad(serving, choices, trace);
  const title = titleOf(serving, choices, load);
  warnOfSlowness(serving.profile, title.sloMs, screen);
  screen.progress('warming up');
  const warm = await runLoad(warmUpOf(load), () => {}, signal);

  const monitor = new Monitor(bus, subjects);
  const killing = new Killing(serving, choices, screen);
  const show = (figures: Figures) => {
    killing.plan(figures.elapsedMs);
    const system = monitor.last;
    screen.show(
      () => runFrame(title, figures, system),
      () => runLine(title, figures, system),
    );
  };
  try {
    const { ever: before } = await acceptedQueries(bus, subjects);
    const figures = await runLoad(load.options, show, signal);
    const accepted = (await acceptedQueries(bus, subjects)).ever - before;
    await monitor.next();
    show(figures);
    await killing.end();
    const { arrivalPattern, burstiness, seed } = choices;
    const document = toDocument(figures, {
      model: title.model,
      warmUpQueries: warm.published,
      accepted,
      sloMs: title.sloMs,
      rate: title.rate,
      seconds: title.seconds,
      arrivalPattern: trace === undefined ? arrivalPattern : 'trace',
      burstiness: trace === undefined && arrivalPattern === 'gamma' ? burstiness : null,
      trace: trace?.name ?? null,
      seed,
      workers: title.workers,
      workersLost: monitor.last?.workersLost ?? 0,
      workerKilledAtMs: killing.doneAtMs,
      executor: title.executor,
      policy: choices.policy,
      interrupted: signal.aborted,
    });
    return { document, picture: toSvg(runFrame(title, figures, monitor.last)) };
  } finally {
    await killing.end();
    await monitor.stop();
  }
}

/** Sends a load to its end, or until `signal` aborts: what was sent by then is still waited for. */
async function runLoad(options: LoadOptions, show: (figures: Figures) => void, signal: AbortSignal): Promise<Figures> {
  const load = new Load(options, show);
  const onAbort = () => load.stop();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await load.done;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A profile that was taken while the machine was busy with something else makes every deadline look hopeless. */
function warnOfSlowness({ deviceClass, measuredAt, subnets }: LatencyProfile, sloMs: number, screen: Screen): void {
  const fastest = subnets[0]?.p99Ms[0] ?? 0;
  if (fastest < sloMs) return;
  screen.note(
    `By its latency profile this machine (${deviceClass}, ${measuredAt}) needs ${fastest} ms for one query on its smallest ` +
      `subnet, and queries have ${sloMs} ms. If it was busy then, delete its file in ${profileDirectory} and start again.`,
  );
}

function titleOf({ models, executor }: Serving, { workers }: DemoChoices, load: DemoLoad): RunTitle {
  const { sloMs, rate, seconds, arrivals } = load;
  const model = models.map(({ entry }) => entry.name).join(', ');
  return { model, workers: sizeOf(workers), executor, sloMs, rate, arrivals, seconds };
}

/** Ends one worker at its moment of the load, where that was asked for. */
class Killing {
  doneAtMs: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #killed: Promise<void> = Promise.resolve();

  constructor(
    private readonly serving: Serving,
    private readonly choices: DemoChoices,
    private readonly screen: Screen,
  ) {}

  /** @param elapsedMs how old the load is now: it runs on a thread of its own */
  plan(elapsedMs: number): void {
    const { killWorkerAt, workers } = this.choices;
    if (killWorkerAt === undefined || this.#timer !== undefined) return;
    const startedAtMs = performance.now() - elapsedMs;
    const begin = () => {
      this.#killed = this.#kill(sizeOf(workers) - 1, startedAtMs);
    };
    this.#timer = setTimeout(begin, killWorkerAt * 1_000 - elapsedMs);
  }

  /** Resolves when the worker is gone, if its end had begun; it does not begin any more. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#killed;
  }

  /** Never rejects: a worker that lives on does not spoil the load. */
  async #kill(worker: number, startedAtMs: number): Promise<void> {
    const atMs = Math.round(performance.now() - startedAtMs);
    try {
      await this.serving.system.killWorker(worker);
      this.doneAtMs = atMs;
    } catch (error) {
      this.screen.note(`No worker was killed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** The code that a finished demonstration ends with. */
export function exitCodeOf(signal: AbortSignal): number {
  return signal.reason instanceof Interrupted ? signal.reason.exitCode : 0;
}
