/** One simulation for each policy: the same trace, the same workers, the same deaths, the same seed. */
import { createPolicy, isPlanned, type Policy } from '@slackline/scheduling';
import {
  type SimulatedModel,
  type SimulationResult,
  simulate,
  type WorkerEvent,
  type WorkerGroup,
} from '@slackline/simulator';
import { createSolver } from '@slackline/solver';
import type { Trace } from '@slackline/traces';
import { CommandError, OptionError } from '../errors.js';
import { endingAtOnce } from '../interrupt.js';
import type { SimulateChoices } from './options.js';

/** A plan that is not proved the best by then is taken as it is. */
const solveLimitMs = 2_000;

export interface Scenario {
  trace: Trace;
  models: readonly SimulatedModel[];
  workers: readonly WorkerGroup[];
  events: readonly WorkerEvent[];
}

export async function simulateAll(scenario: Scenario, names: readonly string[], choices: SimulateChoices) {
  const policies = names.map((name) => policyOf(name, scenario.models));
  const solver = policies.some(isPlanned) ? await createSolver() : undefined;
  const simulated = (policy: Policy): SimulationResult => {
    const { seed, busDelayMs, actuationDelayMs } = choices;
    const planning = solver && {
      solve: (problem: Parameters<typeof solver.solve>[0]) => solver.solve(problem, { timeLimitMs: solveLimitMs }),
    };
    return simulate({
      ...scenario,
      policy,
      seed,
      busDelayMs,
      actuationDelayMs,
      windowMs: windowFor(scenario.trace.durationMs),
      noise: { kind: 'profile' },
      conditions: 'estimated',
      sendsAhead: true,
      ...(planning !== undefined && { planning }),
    });
  };
  try {
    return await endingAtOnce(() => policies.map(simulated));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CommandError(`${scenario.trace.name} cannot be simulated: ${cause.message}.`, {
      code: 'not_simulated',
      cause,
    });
  }
}

/** A power of ten, of which 20 to 200 last as long as the trace. */
function windowFor(durationMs: number): number {
  return 10 ** Math.max(0, Math.floor(Math.log10(durationMs / 20)));
}

/** Throws `OptionError` for a policy, or a subnet of `fixed:<subnet>`, that is not there. */
function policyOf(name: string, models: readonly SimulatedModel[]): Policy {
  const [kind, subnet = ''] = name.split(/:(.*)/s);
  const known = models.flatMap(({ tables }) => Object.values(tables).flatMap(({ subnets }) => subnets));
  if (kind === 'fixed' && !['smallest', 'largest', ...known.map(({ id }) => id)].includes(subnet)) {
    const named = [...new Set(known.map(({ id }) => id))].slice(0, mostNamed).join(', ');
    throw new OptionError(`--policy fixed:<subnet> takes smallest, largest or a subnet (${named}), not ${subnet}`);
  }
  try {
    return createPolicy(name);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OptionError(`--policy takes names of policies (${reason})`, { cause });
  }
}

/** A model may have hundreds of subnets. */
const mostNamed = 20;

/** Throws `OptionError` where the profiles have no such device class. */
export function workersFor(models: readonly SimulatedModel[], given: SimulateChoices['workers']): WorkerGroup[] {
  const classes = [...new Set(models.flatMap(({ tables }) => Object.keys(tables)))];
  return given.map(({ deviceClass = classes[0] ?? '', count }) => {
    if (!classes.includes(deviceClass)) {
      const takes = `--workers takes a device class of the profiles (${classes.join(', ')})`;
      throw new OptionError(`${takes}, not ${deviceClass}`);
    }
    // Workers host what is profiled on their device class.
    const hosted = models.filter(({ tables }) => tables[deviceClass] !== undefined).map(({ name }) => name);
    return { count, deviceClass, models: hosted };
  });
}

/** Throws `OptionError` for a worker that is not there, and for a moment that the trace does not reach. */
export function deathsFor(kills: SimulateChoices['kill'], workers: number, durationMs: number): WorkerEvent[] {
  return kills.flatMap((kill): WorkerEvent[] => {
    const atMs = kill.everyMs ?? kill.atMs;
    if (atMs >= durationMs) {
      const takes = `--kill takes moments before the end of the trace (${durationMs / 1_000} s)`;
      throw new OptionError(`${takes}, not ${atMs / 1_000}`);
    }
    if (kill.everyMs === undefined) {
      if (kill.worker >= workers)
        throw new OptionError(`--kill takes a worker from 0 to ${workers - 1}, not ${kill.worker}`);
      return [{ kind: 'crash', atMs: kill.atMs, worker: kill.worker }];
    }
    const { everyMs } = kill;
    const deaths = Math.min(workers, Math.ceil(durationMs / everyMs) - 1);
    return Array.from({ length: deaths }, (_, i) => ({ kind: 'crash', atMs: (i + 1) * everyMs, worker: i }));
  });
}
