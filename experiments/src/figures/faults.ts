/** A worker is killed every 12 s (SuperServe, NSDI'25, section 6.4). */
import type { WorkerEvent } from '@slackline/simulator';
import type { Cell, CellResult } from '../cells/cell.js';
import { paperWorkers, v100 } from '../cells/devices.js';
import { environmentText } from '../cells/environment.js';
import type { Figure } from '../figure.js';
import { liveSection } from '../live/section.js';
import { percent, share } from '../report/numbers.js';
import { faultsPlot, phasesOf, phaseTable } from './faults-report.js';

const rate = 3_500;
const cv2 = 2;
const seconds = 60;
const killEverySeconds = 12;
/** Down to half. */
const kills = paperWorkers / 2;

export const faults: Figure = {
  name: 'faults',
  title: 'A worker dies every 12 seconds',
  summary: 'attainment and accuracy while workers are killed one by one, down to half of them; simulated and live',
  async run(context) {
    const { sloMs, ...device } = v100();
    const scale = context.quick ? 0.05 : 1;
    const endMs = seconds * 1_000 * scale;
    const killsAtMs = Array.from({ length: kills }, (_, i) => (i + 1) * killEverySeconds * 1_000 * scale);
    const cellOf = (policy: string): Cell => ({
      ...{ device, sloMs, policy, workers: paperWorkers, seed: context.seed },
      trace: { kind: 'gamma', rate, cv2, seconds: seconds * scale, seed: context.seed },
      events: killsAtMs.map((atMs, i): WorkerEvent => ({ kind: 'crash', atMs, worker: paperWorkers - 1 - i })),
      windowMs: 1_000 * scale,
    });
    const policies = [...new Set([context.defaultPolicy, 'slackfit'])];
    const results = await context.pool.map('cell', policies.map(cellOf));
    const section = await liveSection(
      cellOf(context.defaultPolicy),
      rate,
      `The same under ${context.defaultPolicy}; here worker processes are killed (SIGKILL).`,
      context,
    );
    const live = section.beside?.live;
    const livePhases = live && phasesOf(live.windows, killsAtMs, endMs);
    const simulated = results.map(({ windows = [], ...scores }) => ({
      ...scores,
      phases: phasesOf(windows, killsAtMs, endMs),
    }));
    return {
      figures: {
        ...{ rate, cv2, seconds: seconds * scale, workers: paperWorkers, killsAtMs, sloMs },
        simulated: Object.fromEntries(simulated.map((each) => [each.policy, each])),
        live: { ...section.figures, ...(livePhases && { phases: livePhases }) },
        paper: { attainment: 0.999, downTo: 0.5 },
      },
      report: {
        plots: {
          'faults.svg': faultsPlot(results.map(drawn), killsAtMs),
          ...(live && {
            'faults-live.svg': faultsPlot([{ label: live.policy, windows: live.windows }], live.killedAtMs),
          }),
        },
        parts: [
          `${rate} queries a second with CV² ${cv2} for ${seconds * scale} s on ${paperWorkers} emulated devices, limit ${sloMs} ms. ` +
            `Every ${killEverySeconds * scale} s one is killed, without a word, until half of them are left. Queries count where they ` +
            'arrived: what dies with a worker arrived just before, so that it shows left of the death and in the row above it.',
          { heading: 'Simulated' },
          { plot: 'faults.svg', caption: 'Attainment and accuracy while workers die' },
          ...simulated.flatMap(({ policy, attainment, accuracy, phases }) => [
            `**${policy}**: attainment ${share(attainment, 5)}, accuracy ${percent(accuracy)} % over all.`,
            { table: phaseTable(phases) },
          ]),
          'The paper: attainment stays at about 0.999 down to half of the workers, while accuracy steps down.',
          environmentText,
          { heading: 'Live' },
          ...section.parts,
          ...(livePhases === undefined
            ? []
            : [
                { plot: 'faults-live.svg', caption: 'Attainment and accuracy while worker processes die, live' },
                'By the time between two deaths, live:',
                { table: phaseTable(livePhases) },
              ]),
        ],
      },
    };
  },
};

function drawn({ policy, windows = [] }: CellResult) {
  return { label: policy, windows };
}
