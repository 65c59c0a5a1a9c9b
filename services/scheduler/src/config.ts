/** The scheduler's configuration, with what each variable does and its default. */

import { defaultPolicy, isPolicyName, planPercentiles, policyNames } from '@slackline/scheduling';
import { commonConfig, numberFrom, streamsConfig } from '@slackline/shared';
import { z } from 'zod';

const ms = (least: number) => numberFrom(z.number().min(least));

export const schedulerConfig = commonConfig.extend(streamsConfig.shape).extend({
  /** One of the policies' names; see docs/policies.md. */
  POLICY: z
    .string()
    .default(defaultPolicy)
    .refine(isPolicyName, `must be one of ${policyNames.join(', ')}`),
  /**
   * Which latencies of a profile decisions are made from: its medians, its 99th percentiles, or (`guarded`) its medians,
   * and the 99th percentiles for batches that would otherwise miss. How reality differs is measured while serving.
   */
  PLAN_PERCENTILE: z.enum(planPercentiles).default('guarded'),
  /** First estimate of the time a batch spends outside the executor; measured from then on. */
  OVERHEAD_MS: ms(0).default(2),
  /** Whether a worker is sent its next batch shortly before it is free, when a full one waits; `false` to compare. */
  SEND_AHEAD: z.enum(['true', 'false']).default('true'),
  /** A standby takes over when it has seen no renewal for so long; the leader stops well before. */
  LEASE_MS: ms(100).default(600),
  /** A worker that has not been heard of for so long is lost. */
  WORKER_DEAD_AFTER_MS: ms(50).default(500),
  /** A batch so much later than profiled is lost, and its worker with it. */
  BATCH_OVERDUE_MS: ms(10).default(1_000),
  /** How often a worker that holds a batch is asked whether it is there. */
  PROBE_EVERY_MS: ms(5).default(25),
  /** How often the ingests are told what waits, while a model is overloaded. */
  BACKLOG_EVERY_MS: ms(1).default(25),
  /** Longer than any deadline: an un-acked query comes again only after this, or when leadership changes. */
  ACK_WAIT_MS: ms(1_000).default(300_000),
  /** Queries fetched ahead of their arrival in the queue. */
  PREFETCH: numberFrom(z.number().int().min(1)).default(2_000),
  /** At shutdown batches that are out, and answers that are being stored, are waited for, at most this long. */
  DRAIN_MS: ms(0).default(2_000),
});
export type SchedulerConfig = z.infer<typeof schedulerConfig>;
