/** How the system reacted to one fault, from what the witness saw: noticed, sent elsewhere, served again. */
import type { InjectedFault } from '../inject/injector.js';
import type { WitnessedBatch } from '../witness/witnessed.js';
import type { Evidence, Query } from './evidence.js';

/** Times in milliseconds from the fault; null: there was nothing to see. */
export interface Reaction {
  /** Queries that the process had in hand: of a worker. */
  readonly held: number;
  /** Those of them that went to another worker. */
  readonly redispatched: number;
  readonly detectionMs: number | null;
  readonly redispatchMs: number | null;
  readonly servedMs: number | null;
}

const nothing: Reaction = { held: 0, redispatched: 0, detectionMs: null, redispatchMs: null, servedMs: null };

/** What evidence is looked up in, built once for all faults. */
export interface Index {
  readonly evidence: Evidence;
  readonly byId: ReadonlyMap<string, Query>;
  /** The batches that a query was in, in the order of time. */
  readonly batchesOf: ReadonlyMap<string, readonly WitnessedBatch[]>;
}

export function indexOf(evidence: Evidence): Index {
  const batchesOf = new Map<string, WitnessedBatch[]>();
  for (const batch of evidence.witnessed.batches) {
    for (const id of batch.queries) {
      const of = batchesOf.get(id);
      if (of === undefined) batchesOf.set(id, [batch]);
      else of.push(batch);
    }
  }
  return { evidence, batchesOf, byId: new Map(evidence.queries.map((query) => [query.id, query])) };
}

export function reactionTo(fault: InjectedFault, index: Index): Reaction {
  if (fault.victim === null || fault.error !== null) return nothing;
  switch (fault.planned.role) {
    case 'worker':
      return ofWorker(fault, index);
    case 'scheduler':
      return fault.led ? ofLeader(fault, index) : nothing;
    case 'nats':
      return ofBroker(fault, index);
    case 'ingest':
      return nothing;
  }
}

/** A process may have several workers: `gpu-worker-1` is `gpu-worker-1-0` and so on, on the bus. */
const isOf = (process: string, worker: string) => worker === process || worker.startsWith(`${process}-`);

function ofWorker(fault: InjectedFault, index: Index): Reaction {
  const { atMs } = fault;
  const name = fault.victim ?? '';
  const { fenced } = index.evidence.witnessed;
  const notice = fenced.find((each) => isOf(name, each.worker) && each.atMs >= atMs)?.atMs;
  const held = heldBy(name, fault, index).flatMap((batch) => batch.queries.map((id) => fateOf(id, batch, atMs, index)));
  const again = held.flatMap(({ nextMs }) => (nextMs === undefined ? [] : [nextMs]));
  // What is in a batch is only given up when the batch is: this is the scheduler's word that the worker is lost, too.
  const givenUp = held.flatMap(({ givenUpMs }) => (givenUpMs === undefined ? [] : [givenUpMs]));
  const signs = [...again, ...givenUp, ...(notice === undefined ? [] : [notice])];
  return {
    held: held.length,
    redispatched: again.length,
    detectionMs: signs.length === 0 ? null : least(signs) - atMs,
    redispatchMs: again.length === 0 ? null : most(again) - atMs,
    servedMs: null,
  };
}

/** A dead worker is sent nothing more once its death was noticed; this is long after. */
const lookMs = 5_000;

/** The batches that it had, and those that it was still sent before anybody knew. */
function heldBy(name: string, { atMs, wholeAtMs, planned }: InjectedFault, { evidence }: Index): WitnessedBatch[] {
  const untilMs = Math.min(atMs + lookMs, wholeAtMs ?? Number.POSITIVE_INFINITY);
  return evidence.witnessed.batches.filter((batch) => {
    if (!isOf(name, batch.worker) || batch.atMs >= untilMs) return false;
    if (batch.doneMs === null) return true;
    // What was on its way when it was killed was no longer in its hand; who was paused may yet speak.
    return planned.kind !== 'kill' && planned.kind !== 'restart' && batch.doneMs > atMs;
  });
}

/** When a query that was in a lost batch was sent to another worker, or given up. */
function fateOf(id: string, batch: WitnessedBatch, atMs: number, { batchesOf, byId }: Index) {
  const sinceMs = Math.max(batch.atMs, atMs);
  const nextMs = batchesOf.get(id)?.find((each) => each !== batch && each.atMs > sinceMs)?.atMs;
  const { outcome, endedMs = null } = byId.get(id) ?? {};
  const isGivenUp = nextMs === undefined && (outcome === 'expired' || outcome === 'failed') && endedMs !== null;
  return { nextMs, givenUpMs: isGivenUp && endedMs > sinceMs ? endedMs : undefined };
}

function ofLeader({ atMs }: InjectedFault, { evidence, byId }: Index): Reaction {
  const { batches, terms } = evidence.witnessed;
  const before = Math.max(0, ...batches.filter((batch) => batch.atMs < atMs).map(({ token }) => token));
  const last = Math.max(before, ...terms.filter((term) => term.atMs < atMs).map(({ token }) => token));
  const under = batches.filter((batch) => batch.atMs >= atMs && batch.token > last);
  const [first] = under;
  const lease = terms.find((term) => term.token > last && term.scheduler !== '' && term.atMs >= atMs);
  const known = [lease?.atMs, first?.atMs].filter((each) => each !== undefined);
  const answers = under
    .filter(({ runs }) => runs > 0)
    .slice(0, 20)
    .flatMap(({ queries, doneMs }) =>
      queries.flatMap((id) => {
        const endedMs = byId.get(id)?.endedMs ?? null;
        return endedMs !== null && doneMs !== null && endedMs >= atMs ? [endedMs] : [];
      }),
    );
  return {
    ...nothing,
    detectionMs: known.length === 0 ? null : least(known) - atMs,
    redispatchMs: first === undefined ? null : first.atMs - atMs,
    servedMs: answers.length === 0 ? null : least(answers) - atMs,
  };
}

/** Without a broker nobody can say anything: what counts is when it goes on. */
function ofBroker({ atMs, wholeAtMs }: InjectedFault, { evidence }: Index): Reaction {
  const backMs = wholeAtMs ?? Number.POSITIVE_INFINITY;
  const { batches, terms } = evidence.witnessed;
  const lease = terms.find((term) => term.atMs >= atMs && term.scheduler !== '');
  const batch = batches.find((each) => each.atMs >= backMs);
  const answers = evidence.queries.flatMap(({ outcome, endedMs }) =>
    (outcome === 'ok' || outcome === 'late') && endedMs !== null && endedMs >= backMs ? [endedMs] : [],
  );
  return {
    ...nothing,
    detectionMs: lease === undefined ? null : lease.atMs - atMs,
    redispatchMs: batch === undefined ? null : batch.atMs - atMs,
    servedMs: answers.length === 0 ? null : least(answers) - atMs,
  };
}

const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));
