/** Counts every query once, from both sides: what its producer saw, and what the stream took. */
import type { RecordedOutcome } from '@slackline/load';
import type { Evidence, Query } from './evidence.js';

export interface Account {
  readonly published: number;
  readonly counts: Readonly<Record<RecordedOutcome, number>>;
  /** What the stream stored of these queries, and who says so. */
  readonly accepted: number;
  readonly acceptedBy: 'stream' | 'witness';
  /** Accepted, and without an outcome. */
  readonly lost: number;
  /** Accepted, and said while the producer had no connection: it was not told, and the witness heard it. */
  readonly missed: readonly string[];
  /** The lost ones that are known by their ids. */
  readonly lostIds: readonly string[];
  /** Got an outcome and were never accepted. */
  readonly neverAccepted: readonly string[];
  /** What the stream still held at the end; null: unknown. */
  readonly left: number | null;
  /** Queries whose producer was told more than one end. */
  readonly duplicatesVisible: number;
  /** Second answers on the wire, which our client drops. */
  readonly secondReplies: number;
  /** Refused and ended: one of the two was wrong. */
  readonly contradicted: readonly string[];
  /** Queries that were sent to a worker more than once, and those that were run more than once. */
  readonly dispatchedTwice: number;
  readonly executedTwice: number;
  /** Queries of other producers that passed by. */
  readonly others: number;
}

/** After it was cut off, the witness subscribes again; for so long it may have missed what others already said. */
const blindMs = 2_000;
const isOutcome = (outcome: RecordedOutcome) => outcome !== 'unanswered' && outcome !== 'refused';

export function accountOf(evidence: Evidence): Account {
  const { queries, repeats, witnessed, stream } = evidence;
  const counts: Record<RecordedOutcome, number> = { unanswered: 0, ok: 0, late: 0, expired: 0, failed: 0, refused: 0 };
  for (const { outcome } of queries) counts[outcome]++;
  const ended = counts.ok + counts.late + counts.expired + counts.failed;

  const byId = new Map(queries.map((query) => [query.id, query]));
  const others = [...witnessed.queries.keys()].filter((id) => !byId.has(id)).length;
  // What was published and refused was not stored; what was published and not answered may have been.
  const suspects = queries.filter(({ id, outcome }) => outcome === 'unanswered' && witnessed.queries.has(id));
  const missed = suspects.filter((query) => wasMissed(query, evidence)).map(({ id }) => id);
  const byStream = stream.stored !== null && others === 0;
  const accepted = byStream && stream.stored !== null ? stream.stored : ended + suspects.length;
  const unseen = queries.filter((query) => isOutcome(query.outcome) && !wasPublished(query, evidence));

  const times = timesOf(evidence, byId);
  return {
    published: queries.length,
    counts,
    accepted,
    acceptedBy: byStream ? 'stream' : 'witness',
    lost: Math.max(0, accepted - ended - missed.length),
    missed,
    lostIds: suspects.map(({ id }) => id).filter((id) => !missed.includes(id)),
    neverAccepted: unseen.map(({ id }) => id),
    left: stream.left,
    duplicatesVisible: queries.filter(({ replies }) => replies > 1).length,
    secondReplies: repeats.length,
    contradicted: repeats
      .filter(({ id, outcome }) => (outcome === 'refused') !== (byId.get(id)?.outcome === 'refused'))
      .map(({ id }) => id),
    ...times,
    others,
  };
}

/** Whether the witness heard it on its way into the stream, or was not there to hear it. */
function wasPublished({ id, dueMs, endedMs }: Query, { witnessed: { queries, gaps } }: Evidence): boolean {
  if (queries.has(id)) return true;
  const untilMs = endedMs ?? Number.POSITIVE_INFINITY;
  return gaps.some((gap) => dueMs <= gap.untilMs + blindMs && untilMs >= gap.fromMs);
}

/** Whether its outcome was heard while the producer had no connection. */
function wasMissed({ id }: Query, { gaps, witnessed: { outcomes } }: Evidence): boolean {
  const saidMs = outcomes.get(id);
  if (saidMs === undefined) return false;
  return gaps.some(({ fromMs, untilMs }) => fromMs <= saidMs && !(untilMs < saidMs));
}

function timesOf({ witnessed }: Evidence, ours: ReadonlyMap<string, Query>) {
  const dispatched = new Map<string, number>();
  const executed = new Map<string, number>();
  for (const { queries, runs } of witnessed.batches) {
    for (const id of queries.filter((each) => ours.has(each))) {
      dispatched.set(id, (dispatched.get(id) ?? 0) + 1);
      executed.set(id, (executed.get(id) ?? 0) + runs);
    }
  }
  const moreThanOnce = (counts: ReadonlyMap<string, number>) => [...counts.values()].filter((n) => n > 1).length;
  return { dispatchedTwice: moreThanOnce(dispatched), executedTwice: moreThanOnce(executed) };
}
