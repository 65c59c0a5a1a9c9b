/**
 * The load that a demonstration offers: enough that accuracy has to bend in the bursts, and so little that the deadlines
 * hold even when a worker dies. Both follow from the latency profile, which was taken with all workers running.
 */
import type { LatencyProfile } from '@slackline/shared';

/** A batch may take this share of the SLO: its queries may first have to wait until as long a batch is done. */
const batchShareOfSlo = 0.5;
/** Of what one worker fewer bears on the smallest subnet: the rest is for the bursts. */
const mostOfSmallest = 0.8;
/**
 * The mean as a share of what all workers bear on the largest subnet: bursts of the default burstiness (CV² 4) reach several
 * times the mean, so that accuracy bends in them, and on two cores that also carry the messages the deadlines still hold.
 */
export const meanShare = 0.35;
/**
 * Time of a core that one query takes beside its inference, in milliseconds, all processes together: producer, nats-server
 * with JetStream, ingest, scheduler, the workers' own messages. Processor time over queries at 800 a second on the two-core
 * machine where this was written; it falls as the rate grows and more messages share one wake-up. It is taken from the same
 * cores that the workers infer on.
 */
export const pathCoreMs = 0.85;
/** One ingest, one scheduler and one nats-server carry this much before their own queues cost the deadlines. */
export const mostOnPath = 5_000;

export interface RateInputs {
  profile: Pick<LatencyProfile, 'batches' | 'subnets'>;
  workers: number;
  cores: number;
  sloMs: number;
}

type Subnet = LatencyProfile['subnets'][number];

/** Queries a second that one worker bears on `subnet`: the best batch that fits the SLO. */
export function capacity({ profile, sloMs }: Pick<RateInputs, 'profile' | 'sloMs'>, subnet: Subnet): number {
  const rates = profile.batches.map((batch, i) => {
    const p50Ms = subnet.p50Ms[i] ?? Number.POSITIVE_INFINITY;
    const p99Ms = subnet.p99Ms[i] ?? Number.POSITIVE_INFINITY;
    return i === 0 || p99Ms <= sloMs * batchShareOfSlo ? (batch * 1_000) / p50Ms : 0;
  });
  return Math.max(...rates);
}

/** Queries a second that `workers` workers bear on `subnet` while the message path takes its part of the cores. */
export function borne(inputs: RateInputs, subnet: Subnet, workers: number): number {
  const perWorker = capacity(inputs, subnet);
  // A query takes 1 / perWorker of a core for inference and pathCoreMs for its messages: together at most all cores.
  const byCores = inputs.cores / (1 / perWorker + pathCoreMs / 1_000);
  return Math.min(workers * perWorker, byCores, mostOnPath);
}

/**
 * Queries a second in the mean: `meanShare` of what all workers bear on the largest subnet, at most 80 % of what one worker
 * fewer bears on the smallest; rounded down to two digits. Throws `RangeError` for a profile without subnets.
 */
export function defaultRate(inputs: RateInputs): number {
  const { profile, workers } = inputs;
  const smallest = profile.subnets[0];
  const largest = profile.subnets.at(-1);
  if (smallest === undefined || largest === undefined) throw new RangeError('the profile has no subnets');
  const bends = meanShare * borne(inputs, largest, workers);
  const holds = mostOfSmallest * borne(inputs, smallest, Math.max(1, workers - 1));
  return twoDigits(Math.min(bends, holds));
}

/** Rounded down to two significant digits; at least 1. */
function twoDigits(value: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.max(1, Math.floor(value / unit) * unit);
}
