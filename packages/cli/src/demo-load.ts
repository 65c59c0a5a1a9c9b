/**
 * The load of a demonstration: what its options say, and what follows from the latency profile where they say nothing.
 */
import { availableParallelism } from 'node:os';
import type { LoadOptions } from '@slackline/load';
import { checkSpec, type Trace, type TraceSpec } from '@slackline/traces';
import { OptionError } from './errors.js';
import { type DemoChoices, defaultSeconds, type SystemChoices } from './options.js';
import { sizeOf } from './pool.js';
import { defaultRate } from './rate.js';
import type { Serving } from './serving.js';
import { shortName } from './traces/show.js';

/** What a load is made of, wherever the system comes from. */
export type LoadChoices = Omit<DemoChoices, keyof SystemChoices | 'killWorkerAt' | 'picture'> &
  Pick<SystemChoices, 'workers'>;

/** Who is to serve it. */
export interface Served extends Pick<Serving, 'subjects' | 'model' | 'models'> {
  system: Pick<Serving['system'], 'natsUrl'>;
}

export interface DemoLoad {
  options: LoadOptions;
  /** Queries a second in the mean. */
  rate: number;
  sloMs: number;
  seconds: number;
  /** How they arrive, for a person. */
  arrivals: string;
}

/**
 * @param trace what `--trace` names, which then says when queries arrive
 * Throws `OptionError` and `invalid_trace` for what cannot be sent.
 */
export function demoLoad(serving: Served, choices: LoadChoices, trace: Trace | undefined): DemoLoad {
  const { system, subjects, model, models } = serving;
  const { minAccuracy, priority, seed } = choices;
  const sloMs = choices.sloMs ?? model.sloMs;
  const { rate, seconds, arrivals, given } = trace === undefined ? generated(serving, choices, sloMs) : recorded(trace);
  const options: LoadOptions = {
    natsUrl: system.natsUrl,
    subjectPrefix: subjects.prefix,
    models: models.map(({ entry, modelDir }) => ({
      entry,
      ...(modelDir !== undefined && { modelDir }),
      ...(choices.sloMs !== undefined && { sloMs: choices.sloMs }),
    })),
    arrivals: given,
    seed,
    ...(minAccuracy && { minAccuracy }),
    ...(priority && { priority }),
  };
  return { options, rate, sloMs, seconds, arrivals };
}

/** When queries arrive: for the load, and for a person. */
interface Arriving extends Pick<DemoLoad, 'rate' | 'seconds' | 'arrivals'> {
  given: Trace | TraceSpec;
}

function generated({ models }: Served, choices: LoadChoices, sloMs: number): Arriving {
  const { arrivalPattern: kind, burstiness, seed, seconds = defaultSeconds } = choices;
  const inputs = { workers: sizeOf(choices.workers), cores: availableParallelism(), sloMs };
  // They share the workers: as much as the slowest of them would bear alone.
  const rate = choices.rate ?? Math.min(...models.map(({ profile }) => defaultRate({ ...inputs, profile })));
  const given = checkSpec({ kind, rate, seconds, seed, ...(kind === 'gamma' && { cv2: 1 / burstiness }) });
  return { rate, seconds, arrivals: kind === 'gamma' ? `gamma (k = ${burstiness})` : kind, given };
}

function recorded(trace: Trace): Arriving {
  const seconds = trace.durationMs / 1_000;
  return {
    rate: Number((trace.arrivalsMs.length / seconds).toPrecision(4)),
    seconds,
    arrivals: shortName(trace, 60),
    given: trace,
  };
}

/** Throws `OptionError` for a trace without queries, and for a worker that is to be killed after its end. */
export function checkTrace(
  { name, arrivalsMs, durationMs }: Trace,
  { killWorkerAt = 0 }: Partial<DemoChoices> = {},
): void {
  if (arrivalsMs.length === 0) throw new OptionError(`--trace takes a trace with at least one query, not ${name}`);
  if (killWorkerAt * 1_000 >= durationMs)
    throw new OptionError(
      `--kill-worker-at takes a moment before the end of the trace (${durationMs / 1_000} s), not ${killWorkerAt}`,
    );
}

/** A second of evenly spaced queries at half the rate: the processes have then compiled what they run. */
export function warmUpOf({ options, rate }: DemoLoad): LoadOptions {
  return { ...options, arrivals: { kind: 'constant', rate: rate / 2, seconds: 1, seed: 1 } };
}
