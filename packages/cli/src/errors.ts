/** Errors that a person caused or can mend: shown as their one sentence, without a stack. */
import { SlacklineError } from '@slackline/shared';

/** A wrong option, or an expected failure that was reported by another thread. The message is a whole sentence. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Whether the sentence says all there is to say. */
export function isExpected(error: unknown): error is SlacklineError | CommandError {
  return error instanceof SlacklineError || error instanceof CommandError;
}
