/** The tables of a report as rows of text, for Markdown and for a terminal. */
import { type Spread, wantedAttainment } from '../verdict/measures.js';
import type { ChaosDocument } from './document.js';
import { floored } from './headline.js';

export interface Rows {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const ms = (value: number | null): string => (value === null ? '–' : value.toFixed(value < 10 ? 1 : 0));
const recovery = (value: number | null): string => (value === null ? 'never' : value === 0 ? 'not felt' : ms(value));
const share = (value: number | null): string => (value === null ? '–' : floored(value));
const percent = (value: number | null): string => (value === null ? '–' : (100 * value).toFixed(2));

export function faultRows({ faults }: ChaosDocument): Rows {
  return {
    head: [
      's',
      'fault',
      'held',
      'detected ms',
      'redispatched ms',
      'served ms',
      'recovered ms',
      'attainment',
      'accuracy %',
    ],
    rows: faults.map((each) => [
      (each.atMs / 1_000).toFixed(1),
      `${each.kind} ${each.victim ?? each.role}${each.led ? ' (leader)' : ''}`,
      each.role === 'worker' ? String(each.held) : '–',
      ms(each.detectionMs),
      ms(each.redispatchMs),
      ms(each.servedMs),
      each.error ?? recovery(each.recoveryMs),
      `${share(each.attainmentBefore)} → ${share(each.attainmentAfter)}`,
      `${percent(each.accuracyBefore)} → ${percent(each.accuracyAfter)}`,
    ]),
  };
}

/** Of the faults of which there was something to measure. */
export function timeRows({ faults, detectionMs, redispatchMs, servedMs, recoveryMs }: ChaosDocument): Rows {
  const target = faults[0]?.attainmentBefore ?? 1;
  const to = target < wantedAttainment ? ` (to ${floored(target)}, as before the first fault)` : '';
  const row = (name: string, spread: Spread | null) =>
    spread === null ? [] : [[name, String(spread.count), ms(spread.p50), ms(spread.p90), ms(spread.max)]];
  return {
    head: ['', 'faults', 'p50 ms', 'p90 ms', 'max ms'],
    rows: [
      ...row('detection', detectionMs),
      ...row('redispatch', redispatchMs),
      ...row('served again', servedMs),
      ...row(`recovery${to}`, recoveryMs),
    ],
  };
}

export function countRows(document: ChaosDocument): Rows {
  const { published, accepted, ok, late, expired, failed, refused, unanswered } = document;
  return {
    head: ['sent', 'accepted', 'ok', 'late', 'expired', 'failed', 'refused', 'without a word'],
    rows: [[published, accepted, ok, late, expired, failed, refused, unanswered].map(String)],
  };
}
