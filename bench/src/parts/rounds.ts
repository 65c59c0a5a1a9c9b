/**
 * Contenders in turns, A B A B, so that whatever else happens to the machine hits all of them. In every turn a contender is
 * started anew, warmed up, searched and ended: no two of them ever run at the same time.
 */
import { type PartTime, partOf } from '../budget.js';
import type { Contender, ContenderSettings } from '../contender.js';
import { oneByOne, type PartContext } from '../context.js';
import type { Pace } from '../pace.js';
import { rateAt, rungOf } from '../search/ladder.js';
import { climb, edge } from '../search/search.js';
import { Stage, type Step } from '../stage.js';
import { type Highest, highestOf, type NothingFound, roundOf } from './highest.js';

export interface Turn {
  readonly contender: Contender;
  /** The rung to begin with. */
  readonly from: number;
  /** Whether that is near the edge: then nothing is climbed. */
  readonly isNear?: boolean;
  /** What else is measured of it, after its search and before it is ended, where there is time. */
  readonly afterwards?: {
    /** About how many it takes. */
    readonly seconds: number;
    /** @param qps the highest rate that this round held; undefined when it held none */
    measure(stage: Stage, qps: number | undefined): Promise<void>;
  };
}

/** Of starting and ending one, beside the steps. */
const surroundingSeconds = 4;
/** Of a step, beside its own seconds: the pause before it, and answers that are waited for. */
const marginSeconds = 1;
/** How many probes a climb takes, or about that: some are asked twice. */
const probesAClimb = 6;
/** How many steps of a round are asked again, or about that: those that fail by little. */
const againARound = 1;
/** Probes are short and luck makes them pass: steps begin so many rungs below what they reached, at 78 % of it. */
const belowProbes = 5;

/** A contender over its rounds. */
interface State extends Turn {
  from: number;
  isKnown: boolean;
  /** The steps of each. */
  readonly rounds: Step[][];
  readonly steps: Step[];
}

type Context = Omit<PartContext, 'choices'>;

/**
 * What each contender carried, by its name; what carried nothing is a trouble.
 * @throws what starting one throws, and the signal's reason
 */
export async function inRounds(
  turns: readonly Turn[],
  settings: Omit<ContenderSettings, 'signal'>,
  context: Context,
): Promise<Record<string, Highest | NothingFound>> {
  const { pace, say, time } = context;
  const states = turns.map((turn): State => ({ ...turn, isKnown: turn.isNear ?? false, rounds: [], steps: [] }));
  const all = Array.from({ length: pace.rounds }, (_, index) => states.map((state) => ({ state, index }))).flat();
  await oneByOne(all, context, async ({ state, index }, place) => {
    if (
      place % states.length === 0 &&
      index > 0 &&
      !time.has(states.length * turnSeconds({ ...pace, stepsARound: 2 }))
    ) {
      say(`no time for round ${index + 1} of ${pace.rounds}`);
      return undefined;
    }
    say(`round ${index + 1} of at most ${pace.rounds}: ${state.contender.name}`);
    const climbSeconds = state.isKnown ? 0 : probesAClimb * (pace.probeSeconds + marginSeconds / 2);
    const left = all.slice(place).map((turn) => turn.state);
    const turn = limited(time, left, states.length - (place % states.length), turnSeconds(pace) + climbSeconds);
    await oneTurn(state, settings, { ...context, time: turn });
    return state;
  });
  return Object.fromEntries(
    states.map(({ contender, rounds, steps }) => {
      const highest = highestOf(rounds, steps);
      if ('failed' in highest) context.trouble(`${contender.name}: ${highest.failed}`);
      return [contender.name, highest];
    }),
  );
}

/** The first turn looks for the neighbourhood, the others begin where the last one ended. */
async function oneTurn(state: State, settings: Omit<ContenderSettings, 'signal'>, context: Context): Promise<void> {
  const { pace, say, signal, time } = context;
  const { contender, from, isKnown, afterwards } = state;
  const round: Step[] = [];
  state.rounds.push(round);
  const running = await contender.start({ ...settings, signal });
  try {
    const stage = new Stage({ name: contender.name, running, say, signal, pace, steps: round });
    await stage.warmUp(rateAt(from), pace.warmUpSeconds);
    const afterwardsSeconds = afterwards?.seconds ?? 0;
    const near = isKnown
      ? from
      : await climb(from, {
          passes: (rung) => stage.probe(rung, pace.probeSeconds),
          // Two steps that count must follow.
          isEnough: () => !time.has(pace.probeSeconds + 2 * pace.stepSeconds + 3 * marginSeconds + afterwardsSeconds),
        });
    let tried = 0;
    const begin = isKnown ? near : near - belowProbes;
    await edge(begin, pace.stepsARound, {
      passes: (rung) => stage.passes(rung, pace.stepSeconds),
      isEnough: () => tried++ > 0 && !time.has(pace.stepSeconds + marginSeconds + afterwardsSeconds),
    });
    const { qps, failed } = roundOf(round);
    state.from = qps !== undefined ? rungOf(qps) : failed !== undefined ? rungOf(failed) - 2 : begin;
    state.isKnown = true;
    if (afterwards !== undefined && time.has(afterwards.seconds)) {
      await afterwards.measure(new Stage({ name: contender.name, running, say, signal, pace, steps: [] }), qps);
    }
  } finally {
    state.steps.push(...round);
    await running.stop();
  }
}

/** Of one that climbs no more, and finds nothing unexpected. */
function turnSeconds({ warmUpSeconds, stepSeconds, stepsARound }: Pace): number {
  return surroundingSeconds + warmUpSeconds + (stepsARound + againARound) * (stepSeconds + marginSeconds);
}

/**
 * The time of one turn: what it needs or its fair share, whichever is more, but never what the others of its round need; and
 * beside that what is measured afterwards.
 *
 * @param turns that are left, this one first
 * @param ofRound how many of them are this round's
 */
function limited(time: PartTime, turns: readonly Turn[], ofRound: number, needed: number): PartTime {
  const after = (some: readonly Turn[]) => some.reduce((sum, { afterwards }) => sum + (afterwards?.seconds ?? 0), 0);
  const share = (count: number) => (time.left() - after(turns.slice(0, count))) / count;
  return partOf(time, Math.min(share(ofRound), Math.max(share(turns.length), needed)) + after(turns.slice(0, 1)));
}
