/** Attainment against accuracy while the load grows (SuperServe, NSDI'25, section 6.2.2). */
import { environmentText } from '../cells/environment.js';
import type { Figure } from '../figure.js';
import { besidePaper, gridParts, gridPlot, runGrid } from './grid.js';

const from = 2_500;
const tos = [4_800, 6_800, 7_800];
const taus = [250, 500, 5_000];
const cv2 = 8;
/** The slowest acceleration to the highest rate takes 21 of them. */
const seconds = 35;
const at = 5;

export const acceleration: Figure = {
  name: 'acceleration',
  title: 'Accelerating loads',
  summary: 'the same while the rate grows from 2,500 qps, over a 3 x 3 grid of rates and accelerations',
  async run(context) {
    const grid = context.quick ? { seconds: 1, at: 0.2, tos: [6_800], taus: [5_000] } : { seconds, at, tos, taus };
    const loads = grid.tos.flatMap((to) =>
      grid.taus.map((tau) => ({
        name: `${to}, τ ${tau}`,
        title: `${from} to ${to} queries a second, by ${tau} a second`,
        trace: {
          kind: 'accelerating',
          from,
          to,
          tau,
          at: grid.at,
          cv2,
          seconds: grid.seconds,
          seed: context.seed,
        } as const,
      })),
    );
    const result = await runGrid(context, loads);
    return {
      figures: {
        ...{ simulated: result, criterion: result.criterion },
        paper: { attainment: { from: 0.991, to: 1 } },
      },
      report: {
        plots: { 'acceleration.svg': gridPlot(result, grid.taus.length) },
        parts: [
          `From second ${grid.at} on the rate grows from ${from} queries a second by τ queries/s² to the rate that heads the ` +
            `column; gamma-distributed gaps with CV² ${cv2} all the way. ${grid.seconds} s each, on ${result.workers} devices ` +
            `(${result.device}), time limit ${result.sloMs} ms. Simulated.`,
          { plot: 'acceleration.svg', caption: 'Attainment against accuracy; up and to the right is better' },
          besidePaper(result, context.defaultPolicy, 'from 0.991 to 1'),
          environmentText,
          ...gridParts(result, context.defaultPolicy),
        ],
      },
    };
  },
};
