/** What ingest is told, from the environment. */
import { commonConfig, numberFrom, replyPrefixes, streamsConfig } from '@slackline/shared';
import { z } from 'zod';

export const ingestConfig = commonConfig.extend(streamsConfig.shape).extend({
  /** Queries with bodies above this size go to CLAIMS, of which the scheduler reads the headers only, and the worker the body. */
  CLAIM_ABOVE_BYTES: numberFrom(z.number().int().min(0)).default(32_768),
  /** The longest time that a query may be given. */
  MAX_SLO_MS: numberFrom(z.number().positive().max(3_600_000)).default(60_000),
  /** Larger bodies are refused; the broker's max_payload bounds them too. */
  MAX_BODY_BYTES: numberFrom(z.number().int().min(1)).default(8 * 1024 * 1024),
  /** Where answers may be sent: reply subjects must begin with one of these. */
  ALLOWED_REPLY_PREFIXES: replyPrefixes,
  /** Publishes that may wait for their PubAck at a time; more are refused as overloaded. */
  MAX_UNANSWERED: numberFrom(z.number().int().min(1)).default(4_096),
  MAX_UNANSWERED_BYTES: numberFrom(z.number().int().min(1)).default(256 * 1024 * 1024),
  /** How long the first PubAck is waited for at most, on an idle broker, before the publish is repeated. */
  PUBACK_TIMEOUT_MS: numberFrom(z.number().positive()).default(500),
  /** What a producer is told to wait at least when the stream is full or the broker behind. */
  RETRY_AFTER_MS: numberFrom(z.number().positive()).default(100),
  /** How often the broker's clock is read. */
  CLOCK_PROBE_MS: numberFrom(z.number().int().min(100)).default(5_000),
});
export type IngestConfig = z.infer<typeof ingestConfig>;
