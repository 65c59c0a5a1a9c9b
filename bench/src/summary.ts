/** What a person who ran the bench is told at the end, without --json. */
import type { BusDocument } from './document.js';
import { found } from './part.js';
import { oursOf } from './parts/trace.js';
import { digits, times, whole } from './report/markdown.js';

export function summaryOf({ slackline, ceiling, ratio, overheadMs, cost, trace }: BusDocument): string {
  const [ours, bare, overhead, costs, day] = [
    ...[found(slackline), found(ceiling)],
    ...[found(overheadMs), found(cost), found(trace)],
  ] as const;
  const lines = [
    ...(ours ? [`slackline  ${whole(ours.qps)} queries/s at attainment ${ours.attainment.toFixed(4)}`] : []),
    ...(bare ? [`ceiling    ${whole(bare.qps)} queries/s`] : []),
    ...(ratio ? [`ratio      ${times(ratio.ofHighest)}`] : []),
    ...(overhead ? [`overhead   p50 ${digits(overhead.p50, 2)} ms, p99 ${digits(overhead.p99, 2)} ms`] : []),
    ...(costs ? [`cost       ${digits(costs.cpuSecondsPer1000, 3)} s of a core for 1,000 queries`] : []),
    ...(day ? [`trace      attainment ${oursOf(day).attainment.toFixed(5)} at ${whole(day.rate)} queries/s`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
