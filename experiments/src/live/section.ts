/** The live part of a figure: stretched to what the machine carries, run for real, simulated beside it. */
import { SlacklineError } from '@slackline/shared';
import type { Cell } from '../cells/cell.js';
import { sharedText } from '../cells/environment.js';
import type { FigureContext } from '../figure.js';
import type { Part } from '../report/report.js';
import { type Beside, besideParts, besideSimulation } from './beside.js';
import { stretched, stretchFor } from './carried.js';

export interface LiveSection {
  /** For `--json`: what was run and what came of it, or why it was not. */
  readonly figures: object;
  readonly parts: readonly Part[];
  /** Undefined where nothing was run. */
  readonly beside: Beside | undefined;
  /** How many times slower than the cell it ran. */
  readonly stretch: number;
}

/**
 * @param cell as it would be at the devices' own speed
 * @param rate its mean, in queries a second
 * @param what is run, as a sentence
 */
export async function liveSection(
  cell: Cell,
  rate: number,
  what: string,
  context: FigureContext,
): Promise<LiveSection> {
  if (!context.live) return notRun('live runs were left out (--no-live)');
  try {
    const { stretch, carried } = await stretchFor(rate, context);
    const run = stretched(cell, stretch);
    const beside = await besideSimulation({ ...run, surroundings: 'shared' }, context);
    const { live, simulated, difference } = beside;
    const { windows: _live, ...liveScores } = live;
    const { windows: _simulated, ...simulatedScores } = simulated;
    return {
      stretch,
      beside,
      figures: {
        ...{ carried, stretch, rate: rate / stretch, workers: cell.workers, sloMs: run.sloMs, policy: cell.policy },
        ...{ live: liveScores, simulated: simulatedScores, difference },
      },
      parts: [
        `${what} A live run: a nats-server with JetStream, every service and each of the ${cell.workers} emulated workers is a ` +
          `process of its own, all on this machine. ${chosen(rate, stretch, carried, context.quick)} Everything is therefore ${stretch} times ` +
          `slower than in the simulations above: the devices, the gaps between queries, and the limit (${run.sloMs} ms). What ` +
          'the decisions are made from keeps its proportions. Two things do not slow down: this machine, so that messages and ' +
          `wake-ups weigh ${stretch} times less than beside devices of full speed; and how the rate changes or workers die in the time ` +
          'that is named, which by the measure of the limit happens that much sooner.',
        sharedText,
        ...besideParts(beside),
      ],
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof SlacklineError && error.code === 'nats_server_missing') return notRun(error.message);
    throw error;
  }
}

function chosen(rate: number, stretch: number, carried: number, quick: boolean): string {
  const mean = `${Math.round(rate / stretch)} queries a second in the mean`;
  if (quick) return `How much this machine carries was not measured; the run has ${mean}.`;
  if (carried === 0)
    return `It does not even carry the least rate that was tried, so that the run is not fit to read: ${mean}.`;
  return (
    `With devices that take next to no time this machine answered ${carried} queries a second (Poisson) within 36 ms, and the ` +
    `run has at most half of that: ${mean}.`
  );
}

function notRun(reason: string): LiveSection {
  return { figures: { skipped: reason }, parts: [`Not run: ${reason}.`], beside: undefined, stretch: 1 };
}
