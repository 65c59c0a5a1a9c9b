/** The end of a run in a few lines for a person. */
import { type RunDocument, refusalsText, refusedOf } from '../document.js';
import { grouped, percent } from './text.js';

export function summary(run: RunDocument): string {
  const { ok, late, expired, failed } = run.outcomes;
  const refused = refusedOf(run);
  const why = refused === 0 ? '' : ` (${refusalsText(run)})`;
  const used = [...run.subnets].sort((a, b) => b.accuracy - a.accuracy);
  const range = `${used.length} subnets (${percent(used.at(-1)?.accuracy ?? null)} to ${percent(used[0]?.accuracy ?? null)} accurate)`;
  const lines = [
    `${grouped(run.published)} queries sent, ${grouped(run.accepted)} accepted, ${grouped(refused)} refused${why}, ${grouped(run.unanswered)} unanswered.`,
    `${grouped(ok)} answered in time, ${grouped(late)} late, ${grouped(expired)} expired, ${grouped(failed)} failed.`,
    `SLO attainment ${percent(run.attainment)} within ${run.sloMs} ms (${percent(run.producerAttainment)} by the producer's clock); ` +
      `p50 ${run.latencyMs.p50.toFixed(1)} ms, p99 ${run.latencyMs.p99.toFixed(1)} ms.`,
    `Accuracy ${percent(run.profiledAccuracy)} by the profile, ${percent(run.measuredAccuracy)} against the labels; ${range}.`,
    ...(run.workersLost > 0 ? [`${run.workersLost} of ${run.workers} workers lost.`] : []),
    ...(run.executor === 'emulated'
      ? ['Inference was emulated: times are those of the profile, answers are zeros.']
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
