/** A live run, the same simulated, and how they differ. */
import type { Cell, CellResult } from '../cells/cell.js';
import type { FigureContext } from '../figure.js';
import { percent, share, signed } from '../report/numbers.js';
import type { Part } from '../report/report.js';
import { type LiveResult, liveWindowMs, runLive } from './run-live.js';

export interface Beside {
  readonly live: LiveResult;
  readonly simulated: CellResult;
  /** Live less simulated. */
  readonly difference: {
    readonly attainment: number;
    /** 0..1. */
    readonly accuracy: number;
    /** The largest of any subnet's share of the answers, 0..1. */
    readonly share: number;
  };
}

/** Runs a cell both ways. Nothing else runs meanwhile: the live run needs the machine. */
export async function besideSimulation(cell: Cell, context: FigureContext): Promise<Beside> {
  const live = await runLive(cell, context);
  const [simulated] = await context.pool.map('cell', [{ ...cell, windowMs: liveWindowMs }]);
  if (simulated === undefined) throw new RangeError('the simulation gave nothing');
  const shares = live.subnets.map(({ share: of }, i) => of - (simulated.subnets[i]?.share ?? 0));
  return {
    live,
    simulated,
    difference: {
      attainment: live.attainment - simulated.attainment,
      accuracy: live.accuracy - simulated.accuracy,
      share: shares.reduce((most, each) => (Math.abs(each) > Math.abs(most) ? each : most), 0),
    },
  };
}

/** A table of both, and a sentence on how they differ. */
export function besideParts({ live, simulated, difference }: Beside): Part[] {
  const row = (name: string, write: (result: LiveResult | CellResult) => string) => [
    name,
    write(live),
    write(simulated),
  ];
  const lag = `${live.sendLagMs.p99.toFixed(1)} ms`;
  return [
    {
      table: {
        head: ['', 'live', 'simulated'],
        rows: [
          row('queries', ({ queries }) => String(queries)),
          row('attainment', ({ attainment }) => share(attainment, 5)),
          row('accuracy %', ({ accuracy }) => percent(accuracy)),
          row('late', ({ late }) => String(late)),
          row('expired', ({ expired }) => String(expired)),
          row('latency p50 ms', ({ latencyMs }) => latencyMs.p50.toFixed(1)),
          row('latency p99 ms', ({ latencyMs }) => latencyMs.p99.toFixed(1)),
          ...simulated.subnets.map(({ id }, i) =>
            row(`answers by ${id} %`, ({ subnets }) => percent(subnets[i]?.share ?? 0, 1)),
          ),
        ],
      },
    },
    `Live less simulated: attainment ${signed(difference.attainment, 5)}, accuracy ${signed(100 * difference.accuracy)} points, ` +
      `and ${signed(100 * difference.share, 1)} points in the share of the subnet that differs most. Producer, nats-server, ` +
      `ingest, scheduler and workers share the cores of this machine in the live run; its producer sent 99 of 100 queries ` +
      `at most ${lag} late.`,
  ];
}
