/** How far a submission is, in words. */
import type { SubmissionRecord } from '@slackline/shared';

/** `search: 40 % done, about 1 min 20 s left` */
export function progressText({ stage, shareDone, leftMs }: SubmissionRecord): string {
  const left = leftMs === null ? '' : `, about ${durationText(leftMs)} left`;
  return `${stage}: ${Math.floor(shareDone * 100)} % done${left}`;
}

function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
