/** How far a submission is, in words. */
import type { SubmissionRecord } from '@slackline/shared';

/**
 * `search: 40 % done, about 1 min 20 s left`, or `queued: a is being made first`.
 *
 * @param all the submissions of the system, this one among them or not; they are made one after the other
 */
export function progressText(record: SubmissionRecord, all: readonly SubmissionRecord[] = []): string {
  const { state, stage, shareDone, leftMs } = record;
  if (state === 'queued') return queuedText(record, all);
  const left = leftMs === null ? '' : `, about ${durationText(leftMs)} left`;
  return `${stage}: ${Math.floor(shareDone * 100)} % done${left}`;
}

function queuedText({ name, submittedAt }: SubmissionRecord, all: readonly SubmissionRecord[]): string {
  const others = all.filter((other) => other.name !== name);
  const running = others.find(({ state }) => state === 'running');
  const before = others.filter(({ state, submittedAt: at }) => state === 'queued' && at < submittedAt).length;
  const waiting = before === 0 ? '' : `, and ${before} more ${before === 1 ? 'is' : 'are'} before it`;
  if (running !== undefined) return `queued: ${running.name} is being made first (${progressText(running)})${waiting}`;
  return `queued: it begins shortly${waiting}`;
}

function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
