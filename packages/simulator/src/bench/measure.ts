/** Times simulations: each case several times, and the middle of its times. */
import { simulate } from '../simulate.js';
import { type Case, optionsOf } from './cases.js';

export interface Timing extends Case {
  /** Queries that were simulated in each run. */
  queries: number;
  /** Simulated queries per second of wall time: the median run, the slowest, the fastest. */
  queriesPerS: { median: number; least: number; most: number };
  /** The same per second of processor time, of all threads of the process: what remains of it when others want the cores too. */
  queriesPerProcessorS: number;
  /** Wall time over decisions, in microseconds, of the median run: all that a simulation does, by how often it decides. */
  perDecisionUs: number;
  /** Mean queue over the run, queries per batch, and attainment: what was simulated. */
  meanQueue: number;
  meanBatch: number;
  attainment: number;
}

export function measure(of: Case, policy: string, queries: number, runs: number): Timing {
  const results = Array.from({ length: runs }, () => {
    const options = optionsOf(of, policy, queries);
    const before = process.cpuUsage();
    const result = simulate(options);
    const { user, system } = process.cpuUsage(before);
    return { ...result, processorMs: (user + system) / 1_000 };
  });
  const byTime = results.sort((a, b) => a.wallMs - b.wallMs);
  const [fastest, slowest] = [byTime[0], byTime[runs - 1]];
  const median = byTime[Math.floor(runs / 2)];
  if (median === undefined || fastest === undefined || slowest === undefined) throw new RangeError('nothing was run');
  const perS = ({ accepted, wallMs }: typeof median) => Math.round((accepted / wallMs) * 1_000);
  const { windows } = median;
  return {
    ...of,
    queries: median.accepted,
    queriesPerS: { median: perS(median), least: perS(slowest), most: perS(fastest) },
    queriesPerProcessorS: Math.round((median.accepted / median.processorMs) * 1_000),
    perDecisionUs: (median.wallMs * 1_000) / Math.max(1, median.decisions),
    meanQueue: windows.reduce((sum, { queued }) => sum + queued, 0) / windows.length,
    meanBatch: median.meanBatch,
    attainment: median.attainment,
  };
}
