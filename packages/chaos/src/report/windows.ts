/** The run in even windows of time: what was due in each, what came of it, and which workers were heard. */
import type { Evidence } from '../verdict/evidence.js';

export interface TimelineWindow {
  /** Its beginning, from the load's start. */
  readonly atMs: number;
  readonly sent: number;
  readonly ok: number;
  /** Mean of the answers in time, 0..1; null without any. */
  readonly accuracy: number | null;
  /** That the witness heard in its middle. */
  readonly workers: number;
}

/** About so many windows, none shorter than a quarter of a second. */
const wantedWindows = 120;
const stepMs = 250;

export function windowMsOf(seconds: number): number {
  return Math.max(1, Math.ceil((seconds * 1_000) / wantedWindows / stepMs)) * stepMs;
}

export function timelineOf({ queries, witnessed, seconds }: Evidence): TimelineWindow[] {
  const windowMs = windowMsOf(seconds);
  const windows = Array.from({ length: Math.ceil((seconds * 1_000) / windowMs) }, (_, i) => ({
    ...{ atMs: i * windowMs, sent: 0, ok: 0, accuracySum: 0 },
  }));
  for (const { dueMs, outcome, accuracy } of queries) {
    const window = windows[Math.floor(dueMs / windowMs)];
    if (window === undefined) continue;
    window.sent++;
    if (outcome !== 'ok') continue;
    window.ok++;
    window.accuracySum += accuracy ?? 0;
  }
  return windows.map(({ atMs, sent, ok, accuracySum }) => {
    const middleMs = atMs + windowMs / 2;
    const heard = witnessed.workers.filter(({ fromMs, untilMs }) => fromMs <= middleMs && middleMs <= untilMs);
    const accuracy = ok === 0 ? null : Number((accuracySum / ok).toFixed(5));
    return { atMs, sent, ok, accuracy, workers: new Set(heard.map(({ worker }) => worker)).size };
  });
}
