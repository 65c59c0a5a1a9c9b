/** A day of Azure Functions in two minutes (SuperServe, NSDI'25, section 6.3). */
import type { CellResult } from '../cells/cell.js';
import { paperWorkers, v100 } from '../cells/devices.js';
import { environmentText } from '../cells/environment.js';
import { traceOf } from '../cells/trace.js';
import type { Figure } from '../figure.js';
import { liveSection } from '../live/section.js';
import { resultOf } from './grid.js';
import { dynamicsPlot, mafParts, scatterPlot } from './maf-report.js';
import { goals, type MafRun, runWith } from './maf-run.js';
import { runVariants, variantParts } from './maf-surroundings.js';

export const mafFile = 'maf/maf2019_1day_1350fn.csv.gz';
const seconds = 120;
const liveSeconds = 60;
const rate = 6_400;
/** The paper's number of devices, and more, for where those do not suffice. */
const deviceCounts = [paperWorkers, 10, 12];

export const maf: Figure = {
  name: 'maf',
  title: 'A day of Azure Functions in two minutes',
  summary: 'replay of real invocation counts: all policies, the comparison with every fixed subnet, dynamics over time',
  async run(context) {
    const file = context.data(mafFile);
    const trace = { kind: 'azure', file, seconds: context.quick ? 1 : seconds, rate, seed: context.seed } as const;
    const { note = '' } = await traceOf(trace);
    const runs: MafRun[] = [];
    for (const workers of context.quick ? [paperWorkers] : deviceCounts) {
      const run = await runWith(context, trace, workers);
      runs.push(run);
      // The figure is about the least number of devices on which both goals are met.
      if (run.goals.both) break;
    }
    const named = runs.find((run) => run.goals.both) ?? runs[0];
    if (named === undefined) throw new RangeError('no number of devices was run');
    const surroundings = await runVariants(context, trace, named.workers);
    const { sloMs, ...device } = v100();
    const section = await liveSection(
      {
        trace: { ...trace, seconds: context.quick ? 2 : liveSeconds },
        ...{ device, sloMs, workers: named.workers, policy: context.defaultPolicy, seed: context.seed },
      },
      rate,
      `The same day in ${context.quick ? 2 : liveSeconds} s, under ${context.defaultPolicy}.`,
      context,
    );
    const live = section.beside?.live;
    return {
      figures: {
        trace: { file: mafFile, recorded: note, seconds: trace.seconds, rate, seed: trace.seed },
        sloMs,
        devices: named.workers,
        goals: { wanted: goals, ...named.goals },
        runs: runs.map((run) => ({ ...run, policies: withoutWindows(run.policies) })),
        surroundings,
        live: section.figures,
        paper: { attainment: 0.99999, gainPoints: 4.67, factor: 2.85, peak: 8_750 },
      },
      report: {
        plots: {
          'maf.svg': scatterPlot(named),
          'maf-dynamics.svg': dynamicsPlot(resultOf(named.policies, context.defaultPolicy).windows ?? []),
          ...(live && { 'maf-live.svg': dynamicsPlot(live.windows) }),
        },
        parts: [
          ...mafParts(runs, named, context.defaultPolicy, { recorded: note, seconds: trace.seconds, rate }),
          environmentText,
          ...variantParts(surroundings, goals.attainment),
          { heading: 'Live' },
          ...section.parts,
          ...(live === undefined ? [] : [{ plot: 'maf-live.svg', caption: 'Rate and accuracy over time, live' }]),
        ],
      },
    };
  },
};

function withoutWindows(policies: Readonly<Record<string, CellResult>>): Record<string, object> {
  const plain = ({ windows: _windows, ...rest }: CellResult) => rest;
  return Object.fromEntries(Object.entries(policies).map(([name, result]) => [name, plain(result)]));
}
