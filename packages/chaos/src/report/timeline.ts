/** The run as a picture over time: rate, attainment, accuracy, workers, and when what was done to whom. */
import { type Chart, type Flag, type Rule, type Series, type Shade, sideBySide } from '@slackline/plot';
import type { ChaosDocument, FaultRow } from './document.js';
import { headline } from './headline.js';
import { windowMsOf } from './windows.js';

const colors: Readonly<Record<string, string>> = {
  kill: '#b42318',
  pause: '#d97706',
  cut: '#7c3aed',
  restart: '#2563eb',
};
const size = { width: 900, height: 200 };
/** More names than this nobody reads in a picture. */
const mostNames = 24;
const leastShownMs = 150;
/** A shorter axis would get ticks between whole workers. */
const leastWorkersAxis = 5;

export function timelineSvg(document: ChaosDocument): string {
  const { windows, faults, seconds, workers } = document;
  const windowMs = windowMsOf(seconds);
  const done = faults.filter(({ error }) => error === null);
  const middle = (atMs: number) => (atMs + windowMs / 2) / 1_000;
  const points = (of: (window: (typeof windows)[number]) => number | null): Series['points'] =>
    windows.flatMap((window) => {
      const value = of(window);
      return value === null ? [] : [[middle(window.atMs), value] as const];
    });
  const attained = points(({ sent, ok }) => (sent === 0 ? null : (100 * ok) / sent));
  const busiest = Math.max(1, ...windows.map(({ sent }) => sent));
  const least = Math.min(95, ...attained.map(([, value]) => value));
  const perSecond = 1_000 / windowMs;
  const most = Math.max(workers ?? 0, ...windows.map((window) => window.workers));
  const chart = (title: string, y: Chart['y'], series: readonly Series[], names = false): Chart => ({
    ...{ ...size, title, y, series },
    x: { label: 'seconds', min: 0, max: seconds },
    shades: shadesOf(done, seconds),
    ...(names ? { flags: done.map(flagOf) } : { rules: done.map(ruleOf) }),
  });
  const charts = [
    chart(
      'Load',
      { label: 'queries/s', min: 0, max: 1.05 * busiest * perSecond },
      [
        { label: 'sent', mark: 'line', color: '#8b93a1', points: points(({ sent }) => sent * perSecond) },
        { label: 'answered in time', mark: 'line', color: '#0072b2', points: points(({ ok }) => ok * perSecond) },
      ],
      done.length <= mostNames,
    ),
    chart('SLO attainment', { label: '% in time', min: Math.floor(least), max: 100.5 }, [
      { label: 'attainment', mark: 'line', color: '#009e73', points: attained },
    ]),
    chart('Accuracy of the answers in time', { label: 'accuracy (%)' }, [
      {
        label: 'accuracy',
        mark: 'line',
        color: '#d55e00',
        points: points(({ accuracy }) => (accuracy === null ? null : 100 * accuracy)),
      },
    ]),
    chart('Workers heard', { label: 'workers', min: 0, max: Math.max(leastWorkersAxis, most + 1) }, [
      { label: 'workers', mark: 'steps', color: '#24292f', points: points((window) => window.workers) },
    ]),
  ];
  return sideBySide(charts, { columns: 1, title: headline(document) });
}

const colorOf = ({ kind }: FaultRow): string => colors[kind] ?? '#8b93a1';
const ruleOf = (fault: FaultRow): Rule => ({ axis: 'x', at: fault.atMs / 1_000, color: colorOf(fault) });
const flagOf = (fault: FaultRow): Flag => ({
  at: fault.atMs / 1_000,
  label: `${fault.kind} ${fault.victim ?? fault.role}`,
  color: colorOf(fault),
});

/** From each fault until its process is whole again; one that stays dead, to the end. */
function shadesOf(faults: readonly FaultRow[], seconds: number): Shade[] {
  return faults.map((fault) => ({
    from: fault.atMs / 1_000,
    to: fault.wholeAtMs === null ? seconds : Math.max(fault.atMs + leastShownMs, fault.wholeAtMs) / 1_000,
    color: colorOf(fault),
  }));
}
