/** `simulate`: policies compared on one trace in simulated time. Needs no broker and no model. */
import { defaultPolicy } from '@slackline/scheduling';
import type { SimulationResult } from '@slackline/simulator';
import type { Trace } from '@slackline/traces';
import { checkTrace } from '../demo-load.js';
import { CommandError } from '../errors.js';
import type { SimulateChoices } from '../simulate/options.js';
import { readModels } from '../simulate/profiles.js';
import { simulateDocument, simulateSvg, simulateText } from '../simulate/report.js';
import { deathsFor, type Scenario, simulateAll, workersFor } from '../simulate/run.js';
import { readTrace } from '../traces/read.js';
import { screenOn } from '../view/screen.js';
import { writePlot } from '../write-plot.js';

/** Beside the default, what it is measured by. */
const defaultPolicies = [defaultPolicy, 'slackfit'];

/** Throws `CommandError` in one sentence for whatever does not fit. */
export async function simulateCommand(choices: SimulateChoices, signal: AbortSignal): Promise<void> {
  const { scenario, results } = await simulateChoices(choices, signal);
  if (choices.svg !== undefined) await writePlot(choices.svg, simulateSvg(scenario, results));
  const document = () => `${JSON.stringify(simulateDocument(scenario, results))}\n`;
  process.stdout.write(choices.json ? document() : simulateText(scenario, results));
}

/** What was asked for, and a result for each policy. Throws what `simulateCommand` throws. */
export async function simulateChoices(
  choices: SimulateChoices,
  signal: AbortSignal,
): Promise<{ scenario: Scenario; results: SimulationResult[] }> {
  const { policy = defaultPolicies, profile, sloMs, kill, seed } = choices;
  const models = await readModels(profile, sloMs);
  const workers = workersFor(models, choices.workers);
  const screen = screenOn(choices.json ? process.stderr : process.stdout);
  const trace = withLimit(await readTrace(choices.trace, { seed }, screen, signal), sloMs);
  checkTrace(trace);
  checkModels(
    trace,
    models.map(({ name }) => name),
  );
  const total = workers.reduce((sum, { count }) => sum + count, 0);
  const scenario: Scenario = { trace, models, workers, events: deathsFor(kill, total, trace.durationMs) };
  return { scenario, results: await simulateAll(scenario, policy, choices) };
}

/** A limit that was asked for is every query's. */
function withLimit(trace: Trace, sloMs: number | undefined): Trace {
  if (sloMs === undefined || trace.sloMs === undefined) return trace;
  const { sloMs: _, ...rest } = trace;
  return rest;
}

function checkModels({ models = [], name }: Trace, known: readonly string[]): void {
  const missing = models.find((model) => !known.includes(model));
  if (missing === undefined) return;
  const what = `${name} asks for the model ${missing}, and the profiles are of ${known.join(', ')}.`;
  throw new CommandError(what, { code: 'unknown_model' });
}
