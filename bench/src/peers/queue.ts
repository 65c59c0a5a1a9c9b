/** The work queue that pull workers share. */
import { mostRows } from './inference.js';

export const queue = {
  stream: 'QUERIES',
  subject: 'queries.x',
  /** Header with the subject that the answer goes to. */
  replyTo: 'Reply-To',
  consumer: {
    name: 'workers',
    ackWaitMs: 30_000,
    maxAckPending: 100_000,
    // The next batch is there when one is done, and what waits longer waits where any worker can take it.
    prefetch: 2 * mostRows,
  },
  bounds: { maxMessages: 100_000, maxBytes: 512 * 1024 * 1024, duplicateWindowMs: 30_000 },
} as const;
