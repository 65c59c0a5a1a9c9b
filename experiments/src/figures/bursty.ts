/** Attainment against accuracy on bursty loads (SuperServe, NSDI'25, section 6.2.1). */
import { paperWorkers, v100 } from '../cells/devices.js';
import { environmentText } from '../cells/environment.js';
import type { Figure } from '../figure.js';
import { liveSection } from '../live/section.js';
import { besidePaper, gridParts, gridPlot, runGrid } from './grid.js';

const base = 1_500;
const variants = [2_950, 4_900, 5_550];
const cv2s = [2, 4, 8];
const seconds = 30;
/** The cell that is also run live. */
const live = { variant: 4_900, cv2: 4, seconds: 30 };

export const bursty: Figure = {
  name: 'bursty',
  title: 'Bursty loads',
  summary: 'attainment against accuracy of all policies over a 3 x 3 grid of bursty loads',
  async run(context) {
    const quick = { seconds: 0.5, variants: [4_900], cv2s: [4] };
    const grid = context.quick ? quick : { seconds, variants, cv2s };
    const loads = grid.variants.flatMap((variant) =>
      grid.cv2s.map((cv2) => ({
        name: `${variant}, CV² ${cv2}`,
        title: `${base} + ${variant} queries a second, CV² ${cv2}`,
        trace: { kind: 'bursty', base, variant, cv2, seconds: grid.seconds, seed: context.seed } as const,
      })),
    );
    const result = await runGrid(context, loads);
    const { sloMs, ...device } = v100();
    const trace = {
      kind: 'bursty',
      base,
      ...live,
      seconds: context.quick ? 2 : live.seconds,
      seed: context.seed,
    } as const;
    const cell = { trace, device, workers: paperWorkers, sloMs, policy: context.defaultPolicy, seed: context.seed };
    const section = await liveSection(
      cell,
      base + live.variant,
      `The load ${live.variant}, CV² ${live.cv2} of the grid, ${trace.seconds} s of it, under ${context.defaultPolicy}.`,
      context,
    );
    return {
      figures: {
        ...{ simulated: result, criterion: result.criterion, live: section.figures },
        paper: { attainment: { above: 0.999 } },
      },
      report: {
        plots: { 'bursty.svg': gridPlot(result, grid.cv2s.length) },
        parts: [
          `A base of ${base} evenly spaced queries a second, and on top of it a variant rate with gamma-distributed gaps: the ` +
            `columns name its rate and CV² (variance of the gaps over the square of their mean; 1 is Poisson). ${grid.seconds} s ` +
            `each, on ${result.workers} devices (${result.device}), time limit ${result.sloMs} ms. Simulated.`,
          { plot: 'bursty.svg', caption: 'Attainment against accuracy; up and to the right is better' },
          besidePaper(result, context.defaultPolicy, 'more than 0.999 of every load'),
          environmentText,
          ...gridParts(result, context.defaultPolicy),
          { heading: 'One of the loads, live' },
          ...section.parts,
        ],
      },
    };
  },
};
