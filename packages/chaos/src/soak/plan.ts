/**
 * When a soak does what: warm-up, quiet, and then rounds of load with faults, a quiet window after each. The faults of a
 * round are dealt from a shuffled deck that holds every kind, so that a long soak meets all of them about equally often.
 */
import { randomLcg } from 'd3-random';
import type { PlannedFault } from '../plan/plan.js';
import type { Cut, Role } from '../target/target.js';

export interface SoakPlan {
  /** Load without faults, so that processes have compiled and taken what they need. */
  warmUpMs: number;
  /** Each quiet window, from when everything has come to rest. */
  quietMs: number;
  rounds: SoakRound[];
  /** How long RESULTS keeps an answer: the last quiet window waits for it. */
  resultsAgeMs: number;
}

export interface SoakRound {
  loadMs: number;
  /** Kills and restarts, of processes that are not spared. */
  ends: PlannedFault[];
  /** Pauses and cut connections, of any process. */
  disturbances: PlannedFault[];
}

type Card = Pick<PlannedFault, 'kind' | 'role'> & { cut?: Cut };

const services: readonly Role[] = ['worker', 'scheduler', 'ingest'];
const cuts: readonly Cut[] = [
  { kind: 'delay', delayMs: 30 },
  { kind: 'drop' },
  { kind: 'reset' },
  { kind: 'half-open', silent: 'in' },
  { kind: 'half-open', silent: 'out' },
];
/** So much of a round's load has no new fault at either end. */
const marginMs = 1_000;
const deathMs = { least: 100, most: 1_500 };
const disturbanceMs = { least: 100, most: 3_000 };
const draws = 1_000_000;

/**
 * @param minutes of the whole soak, without start and end
 * @param withCuts whether connections can be cut; a cut also needs `everyMs` of patience
 */
export function planSoak(minutes: number, seed: number, everyMs: number, withCuts: boolean): SoakPlan {
  const random = randomLcg(seed);
  const wholeMs = minutes * 60_000;
  const count = Math.max(2, Math.round(minutes * 0.7));
  const warmUpMs = clamp(wholeMs * 0.1, 5_000, 45_000);
  const quietMs = clamp(wholeMs * 0.02, 3_000, 8_000);
  const loadMs = Math.max(5_000, (wholeMs - warmUpMs - quietMs * (count + 1)) / count);
  const deal = dealer(withCuts, random);
  const rounds = Array.from({ length: count }, (_, round): SoakRound => {
    const faults: PlannedFault[] = [];
    // In the second half of the soak the broker is not killed: its memory can be followed there.
    const mayKillBroker = round < count / 2;
    for (let atMs = marginMs; atMs < loadMs - marginMs; atMs += everyMs * (0.5 + random())) {
      faults.push(planned(deal(mayKillBroker), Math.round(atMs), random));
    }
    const isEnd = ({ kind }: PlannedFault) => kind === 'kill' || kind === 'restart';
    return { loadMs, ends: faults.filter(isEnd), disturbances: faults.filter((fault) => !isEnd(fault)) };
  });
  return { warmUpMs, quietMs, rounds, resultsAgeMs: clamp(minutes * 12_000, 12_000, 30_000) };
}

/** Deals one card after the other; a new deck is shuffled when one is used up. */
function dealer(withCuts: boolean, random: () => number): (mayKillBroker: boolean) => Card {
  let deck: Card[] = [];
  return (mayKillBroker) => {
    for (;;) {
      if (deck.length === 0) deck = shuffled(fullDeck(withCuts), random);
      const card = deck.pop();
      if (card !== undefined && (mayKillBroker || card.role !== 'nats' || card.kind === 'pause')) return card;
    }
  };
}

function fullDeck(withCuts: boolean): Card[] {
  return [
    { kind: 'kill', role: 'nats' },
    { kind: 'pause', role: 'nats' },
    ...services.flatMap((role): Card[] => [
      { kind: 'kill', role },
      { kind: 'pause', role },
      { kind: 'restart', role },
      ...(withCuts ? cuts.map((cut): Card => ({ kind: 'cut', role, cut })) : []),
    ]),
  ];
}

function planned({ kind, role, cut }: Card, atMs: number, random: () => number): PlannedFault {
  const within = ({ least, most }: { least: number; most: number }) => Math.round(least + random() * (most - least));
  return {
    atMs,
    kind,
    role,
    // Half of the schedulers that are hit are to be the one that leads.
    victim: role === 'scheduler' && random() < 0.5 ? 'leader' : { draw: Math.floor(random() * draws) },
    ...((kind === 'pause' || kind === 'cut') && { forMs: within(disturbanceMs) }),
    ...(cut && { cut }),
    ...(kind === 'kill' && { restoreMs: within(deathMs) }),
  };
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [result[i], result[j]];
    if (a !== undefined && b !== undefined) [result[i], result[j]] = [b, a];
  }
  return result;
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));
