/** Errors that a person caused or can mend: shown as their one sentence, without a stack. */
import { SlacklineError } from '@slackline/shared';

/** A wrong option, or an expected failure that was reported by another thread. The message is a whole sentence. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** An option whose value cannot be used. The message begins with the option and says what it takes. */
export class OptionError extends CommandError {
  /** What programs match on. */
  readonly code = 'invalid_option';
  /** As shells and most commands say that they were called wrongly. */
  readonly exitCode = 2;

  constructor(what: string, options?: ErrorOptions) {
    super(`invalid_option: ${what}.`, options);
  }
}

/** Whether the sentence says all there is to say. */
export function isExpected(error: unknown): error is SlacklineError | CommandError {
  return error instanceof SlacklineError || error instanceof CommandError;
}
