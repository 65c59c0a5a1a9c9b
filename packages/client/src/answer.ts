/** What a producer learns of its query. */
import type { ErrorAnswer, ServedAnswer, Tensor } from '@slackline/shared';

/** Time of one query, by the producer's own monotonic clock. */
export interface Timed {
  queryId: string;
  /** From sending to the answer, in milliseconds. */
  roundTripMs: number;
}

/** No answer came in time, not even a refusal: the query may have been served or not. */
export interface Unanswered extends Timed {
  outcome: 'unanswered';
  /** Whether the connection broke while it was waited for: then it may have been answered, to nobody. */
  connectionLost: boolean;
}

/** An answer whose body has not been looked into: what `send` gives. */
export type RawAnswer = (ServedAnswer & Timed) | (ErrorAnswer & Timed) | Unanswered;

/** An answer with its outputs: what `infer` and `results` give; tell them apart by `outcome`. */
export type Answer = (ServedAnswer & Timed & { outputs: Tensor[] }) | (ErrorAnswer & Timed) | Unanswered;
