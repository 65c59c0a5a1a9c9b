import { describe, expect, it } from 'vitest';
import { canSampleProcesses } from '../watch/process.js';
import { soakDocument, soakText } from './document.js';
import { soakPlot, soakReport } from './report.js';
import type { QuietWindow } from './rest.js';
import type { SoakRun } from './run.js';
import { goodBooks, goodRun } from './testing.js';
import { verdictOnSoak } from './verdict.js';

const last = (run: SoakRun): QuietWindow => {
  const window = run.quiets.at(-1);
  if (window === undefined) throw new Error('a run without windows');
  return window;
};
/** Gives a process these levels, in MiB, from window to window. */
function follow(run: SoakRun, name: string, kind: 'heapBytes' | 'rssBytes', level: (window: number) => number): void {
  for (const [index, { processes }] of run.quiets.entries()) {
    for (const each of processes) if (each.name === name) each[kind] = level(index) * 2 ** 20;
  }
}
const store = (run: SoakRun, name: string) => {
  const found = last(run).stores.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no store ${name}`);
  return found;
};
const round = (run: SoakRun, index: number) => {
  const found = run.rounds[index];
  if (found === undefined) throw new Error(`no round ${index}`);
  return found;
};

const accounting = 'every accepted query has exactly one outcome';
const memory = 'memory does not grow';
const stores = 'streams, buckets and consumers are back at their level';
const ends = 'processes end only when they are told to, and in order';

/** What is spoiled, and the check that must see it. */
const spoiled: [what: string, check: string, spoil: (run: SoakRun) => void][] = [
  [
    'a load of which nothing was accepted',
    accounting,
    (run) => {
      const outcomes = { ok: 0, late: 0, expired: 0, failed: 0 };
      for (const each of run.rounds) Object.assign(each, { accepted: 0, books: goodBooks({ outcomes }) });
    },
  ],
  ['a query without an outcome', accounting, (run) => (round(run, 1).accepted += 1)],
  ['an outcome for what was never accepted', accounting, (run) => (round(run, 1).accepted -= 1)],
  [
    'more answers lost with the broker than were open',
    accounting,
    (run) => Object.assign(round(run, 1), { accepted: 93, brokerKilled: true, books: goodBooks({ unanswered: 2 }) }),
  ],
  ['a query that is nowhere in the books', accounting, (run) => (round(run, 1).books.sent += 1)],
  ['an answer stored that nobody asked to store', accounting, (run) => (round(run, 1).books.stored += 1)],
  ['a second end', 'no duplicate is visible', (run) => (round(run, 0).books.duplicatesVisible = 1)],
  ['a complaint', 'every answer and every refusal is the one to expect', (run) => run.complaints.push('odd')],
  [
    'a crash',
    ends,
    (run) => run.badEnds.push({ name: 'ingest-0', pid: 3, atMs: 5, how: 'ended by itself', lastLines: [] }),
  ],
  ['a process that is not there', ends, (run) => void last(run).processes.pop()],
  ['no rest', 'everything comes to rest', (run) => (last(run).restAfterMs = null)],
  ['a message left in the stream', stores, (run) => (store(run, 'QUERIES').messages = 1)],
  ['a consumer of a dead leader', stores, (run) => store(run, 'QUERIES').consumers.push('scheduler-0')],
  ['a watch that nobody ended', stores, (run) => store(run, 'profiles').consumers.push('c')],
  ['a bucket that grows', stores, (run) => (store(run, 'profiles').bytes += 10_000)],
];
const spoiledProcesses: typeof spoiled = [
  [
    'files left open',
    'file descriptors are back at their level',
    (run) => {
      for (const level of last(run).processes.slice(0, 1)) level.fds = 40;
    },
  ],
  ['a heap that grows by 2 MiB a minute', memory, (run) => follow(run, 'ingest-0', 'heapBytes', (i) => 20 + 2 * i)],
  [
    'a heap that settled far too high',
    memory,
    (run) => follow(run, 'ingest-0', 'heapBytes', (i) => (i === 0 ? 20 : 60)),
  ],
  [
    'a service that does not tell its heap',
    memory,
    (run) => {
      for (const each of last(run).processes) if (each.name === 'ingest-0') each.heapBytes = undefined;
    },
  ],
  [
    'resident memory that grows by 8 MiB a minute',
    memory,
    (run) => follow(run, 'nats-server', 'rssBytes', (i) => 20 + 8 * i),
  ],
];

describe('the verdict on a soak', () => {
  it('is a pass where everything held', () => {
    const { verdict, checks } = verdictOnSoak(goodRun());
    expect(checks.filter(({ state }) => state === 'fail')).toEqual([]);
    expect(verdict).toBe('pass');
  });

  it.each(canSampleProcesses ? [...spoiled, ...spoiledProcesses] : spoiled)('is a fail for %s', (_, check, spoil) => {
    const run = goodRun();
    spoil(run);
    const { verdict, checks } = verdictOnSoak(run);
    expect(verdict).toBe('fail');
    expect(checks.filter(({ state }) => state === 'fail').map(({ name }) => name)).toEqual([check]);
  });

  it('lets a killed broker take along answers that it had not passed on', () => {
    const run = goodRun();
    Object.assign(round(run, 1), { accepted: 92, brokerKilled: true, books: goodBooks({ sent: 102, unanswered: 2 }) });
    expect(verdictOnSoak(run).verdict).toBe('pass');
  });

  it('names what was to be stored and never was, so that the line adds up', () => {
    const run = goodRun();
    Object.assign(round(run, 1), { books: goodBooks({ sent: 101, toStore: 5, stored: 4 }) });
    const { verdict, checks } = verdictOnSoak(run);
    expect(verdict).toBe('pass');
    expect(checks[0]?.evidence[1]).toMatch(
      /^sent 201 = with an outcome 180 \+ refused 20 \+ without any word 0 \+ to be stored, and never were 1; 4 of /,
    );
  });

  it('lets a heap settle, and a start fail while the broker is away', () => {
    const run = goodRun();
    follow(run, 'scheduler-0', 'heapBytes', (i) => (i === 0 ? 20 : 30));
    run.failedStarts.push({ name: 'ingest-0', pid: 9, atMs: 5, how: 'code 1', lastLines: [] });
    expect(verdictOnSoak(run).verdict).toBe('pass');
  });

  it('is written for a program, a person, a page and a plot', () => {
    const run = goodRun();
    const verdict = verdictOnSoak(run);
    expect(soakDocument(run, verdict)).toMatchObject({ verdict: 'pass', accepted: 180, missing: 0, sent: 200 });
    expect(soakText(run, verdict)).toMatch(/verdict: pass \(6 minutes, seed 1, 1 fault\)\n$/);
    const page = soakReport(run, verdict, { machine: 'a machine', command: 'npm run soak', plot: 'soak.svg' });
    expect(page).toContain('| kill worker | 1 | – | 1.0 |');
    expect(soakPlot(run)).toMatch(/^<svg/);
  });
});
