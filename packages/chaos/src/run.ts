/** One run: a load, faults on a plan, a witness; everything that a verdict needs comes back as evidence. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Figures, Load, type LoadOptions } from '@slackline/load';
import { acceptedQueries, type Bus, type Subjects } from '@slackline/shared';
import { Injector } from './inject/injector.js';
import type { PlannedFault } from './plan/plan.js';
import type { Target } from './target/target.js';
import { type Evidence, queriesOf } from './verdict/evidence.js';
import { Witness } from './witness/witness.js';
import { since } from './witness/witnessed.js';

export interface RunOptions {
  readonly target: Target;
  /** To ask for the stream's state; not through a proxy. */
  readonly bus: Bus;
  readonly subjects: Subjects;
  /** Where the system keeps its streams; a broker that is ended forgets what is in memory. */
  readonly storage: 'memory' | 'file';
  readonly plan: readonly PlannedFault[];
  /** Every query is recorded, whatever it says. */
  readonly load: LoadOptions;
  readonly seconds: number;
  readonly sloMs: number;
  /** See `Evidence`. */
  readonly phaseMs: number;
  readonly floorAccuracy: number;
  /** How long after the last query answers are waited for; default 30 s. It is over sooner when the streams are empty. */
  readonly settleMs?: number;
  /** Sends no more and begins no more faults; what was sent by then is still waited for. */
  readonly signal: AbortSignal;
  readonly onFigures?: (figures: Figures) => void;
  readonly onFault?: (text: string) => void;
}

export interface ChaosRun {
  readonly evidence: Evidence;
  readonly figures: Figures;
}

const defaultSettleMs = 30_000;
const lookEveryMs = 100;
/** An answer is under way for no longer than this once its query has left the stream. */
const quietMs = 500;

/** @throws SlacklineError what connecting throws; `unknown_model`, `invalid_model` for a load that cannot be sent */
export async function runChaos(options: RunOptions): Promise<ChaosRun> {
  const { target, bus, subjects, storage, plan, load, settleMs = defaultSettleMs, signal } = options;
  // The producer's own connection can only break with the broker. Answers are many: they are heard only where that may be.
  const hearsAnswers = plan.some(({ role }) => role === 'nats');
  const place = { natsUrl: target.natsUrl, subjectPrefix: subjects.prefix, storage };
  const witness = await Witness.start({ ...place, hearsAnswers });
  const injector = new Injector(target, plan, options.onFault);
  try {
    const before = await acceptedQueries(bus, subjects);
    const follow = (soFar: Figures) => {
      injector.start(soFar.startedAtMonotonicMs);
      options.onFigures?.(soFar);
    };
    const ended = async () => {
      await injector.end();
      await emptied(bus, subjects, settleMs);
    };
    const figures = await sent({ ...load, records: true, settleMs }, signal, follow, ended);
    const faults = await injector.end();
    const after = await acceptedQueries(bus, subjects).catch(() => undefined);
    const witnessed = since(figures.startedAtMonotonicMs, await witness.stop());
    const forgotten = storage === 'memory' && faults.some(({ planned }) => planned.role === 'nats');
    const { records } = figures;
    if (records === undefined) throw new Error('a load that is recorded gave no records');
    const evidence: Evidence = {
      seconds: Math.min(options.seconds, Math.max(1, figures.elapsedMs / 1_000)),
      sloMs: options.sloMs,
      phaseMs: options.phaseMs,
      plan,
      faults,
      queries: queriesOf(records),
      repeats: records.repeats,
      gaps: records.gaps,
      witnessed,
      stream: {
        stored: after === undefined || forgotten ? null : after.ever - before.ever,
        left: after?.waiting ?? null,
      },
      floorAccuracy: options.floorAccuracy,
    };
    return { evidence, figures };
  } finally {
    // Whoever is paused or cut off is mended, whatever went wrong.
    await injector.end();
    await witness.abandon();
  }
}

/** @param ended called after the last query; when it resolves, nothing is waited for any more */
async function sent(
  options: LoadOptions,
  signal: AbortSignal,
  follow: (figures: Figures) => void,
  ended: () => Promise<void>,
): Promise<Figures> {
  let ending: Promise<void> | undefined;
  const load = new Load(options, (figures) => {
    follow(figures);
    if (figures.allSent) ending ??= ended().then(() => load.enough());
  });
  const onAbort = () => load.stop();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const figures = await load.done;
    await ending;
    return figures;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Resolves when nothing has been left in the streams for a moment, or after a while. */
async function emptied(bus: Bus, subjects: Subjects, limitMs: number): Promise<void> {
  const untilMs = performance.now() + limitMs;
  let emptySinceMs = Number.POSITIVE_INFINITY;
  while (performance.now() < untilMs) {
    const accepted = await acceptedQueries(bus, subjects).catch(() => undefined);
    const now = performance.now();
    emptySinceMs = accepted?.waiting === 0 ? Math.min(emptySinceMs, now) : Number.POSITIVE_INFINITY;
    if (now - emptySinceMs >= quietMs) return;
    await delay(lookEveryMs);
  }
}
