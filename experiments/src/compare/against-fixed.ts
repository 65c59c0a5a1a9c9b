/**
 * A policy against subnets that are always served, as the paper compares (SuperServe, NSDI'25, section 6): how much more
 * accurate it is than what attains as much, and how much more it attains than what is as accurate.
 */

/** Where a policy ended up. */
export interface Scored {
  readonly policy: string;
  /** Answers in time / queries. */
  readonly attainment: number;
  /** Mean profiled accuracy of the answers in time, 0..1. */
  readonly accuracy: number;
}

export interface EqualAttainment {
  /** The most accurate fixed subnet that attains as much. */
  readonly against: string;
  /** Accuracy beyond its, 0..1. */
  readonly gain: number;
}

export interface EqualAccuracy {
  /** Of the fixed subnets that are as accurate, the one that attains most. */
  readonly against: string;
  /** Attainment over its attainment. */
  readonly factor: number;
}

export interface AgainstFixed {
  /** Undefined when no fixed subnet attains as much. */
  readonly equalAttainment: EqualAttainment | undefined;
  /** Undefined when no fixed subnet is as accurate, or none of those answers anything in time. */
  readonly equalAccuracy: EqualAccuracy | undefined;
  /**
   * The same against a mixture of the two neighbouring fixed subnets on the straight line that joins them: a fixed subnet
   * just as accurate, or just as reliable, that nobody has. Undefined outside the line.
   */
  readonly onLine: { readonly gain: number | undefined; readonly factor: number | undefined };
}

export function againstFixed(ours: Scored, fixed: readonly Scored[]): AgainstFixed {
  const reliable = fixed.filter(({ attainment }) => attainment >= ours.attainment);
  const accurate = fixed.filter(({ accuracy, attainment }) => accuracy >= ours.accuracy && attainment > 0);
  const best = most(reliable, ({ accuracy }) => accuracy);
  const rival = most(accurate, ({ attainment }) => attainment);
  const accuracyOnLine = along(fixed, 'attainment', 'accuracy', ours.attainment);
  const attainmentOnLine = along(fixed, 'accuracy', 'attainment', ours.accuracy);
  return {
    equalAttainment: best && { against: best.policy, gain: ours.accuracy - best.accuracy },
    equalAccuracy: rival && { against: rival.policy, factor: ours.attainment / rival.attainment },
    onLine: {
      gain: accuracyOnLine === undefined ? undefined : ours.accuracy - accuracyOnLine,
      factor: attainmentOnLine === undefined ? undefined : ours.attainment / attainmentOnLine,
    },
  };
}

type Axis = 'attainment' | 'accuracy';

/** Value of `to` where the line through the points, in order of `from`, reaches `at`; the largest where it does so twice. */
function along(points: readonly Scored[], from: Axis, to: Axis, at: number): number | undefined {
  const sorted = points.filter(({ accuracy }) => accuracy > 0).sort((a, b) => a.accuracy - b.accuracy);
  const values = sorted.flatMap((high, i) => {
    const low = sorted[i - 1];
    if (low === undefined) return high[from] === at ? [high[to]] : [];
    const [a, b] = [low[from], high[from]];
    if (at < Math.min(a, b) || at > Math.max(a, b)) return [];
    return [a === b ? Math.max(low[to], high[to]) : low[to] + ((high[to] - low[to]) * (at - a)) / (b - a)];
  });
  return values.length === 0 ? undefined : Math.max(...values);
}

function most<T>(items: readonly T[], by: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (best, item) => (best === undefined || by(item) > by(best) ? item : best),
    undefined,
  );
}
