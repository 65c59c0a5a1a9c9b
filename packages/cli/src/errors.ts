/** Errors that a person caused or can mend: shown as their one sentence, without a stack. */
import { SlacklineError } from '@slackline/shared';
import { TraceError } from '@slackline/traces';

export interface CommandErrorOptions extends ErrorOptions {
  /** What programs match on. */
  code?: string;
  /** What the process ends with. */
  exitCode?: number;
}

/** A command that cannot be done, or an expected failure that another thread reported. The message is a whole sentence. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  readonly exitCode: number;

  constructor(message: string, { code = 'command_failed', exitCode = 1, ...options }: CommandErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** As shells and most commands say that they were called wrongly. */
export const wronglyCalled = 2;

/** An option whose value cannot be used. The message begins with the option and says what it takes. */
export class OptionError extends CommandError {
  constructor(what: string, options?: ErrorOptions) {
    super(`invalid_option: ${what}.`, { ...options, code: 'invalid_option', exitCode: wronglyCalled });
  }
}

/** An error, and what a program is told beside it. */
export class Failed extends Error {
  override readonly name = 'Failed';

  constructor(
    readonly facts: Readonly<Record<string, unknown>>,
    override readonly cause: unknown,
  ) {
    super('The command failed', { cause });
  }
}

/** Whether the sentence says all there is to say. */
export function isExpected(error: unknown): error is SlacklineError | CommandError | TraceError {
  return error instanceof SlacklineError || error instanceof CommandError || error instanceof TraceError;
}

/** How a failed command ends. */
export interface Failure {
  exitCode: number;
  /** For a person, on standard error: the code and the sentence; the stack too of what nobody expected. */
  text: string;
  /** For a program, on standard output. */
  document: { error: { code: string; message: string } };
}

export function failureOf(thrown: unknown): Failure {
  const { facts, cause: error } = thrown instanceof Failed ? thrown : { facts: {}, cause: thrown };
  if (!isExpected(error)) {
    const message = error instanceof Error ? error.message : String(error);
    const text = error instanceof Error ? (error.stack ?? message) : message;
    return { exitCode: 1, text, document: { ...facts, error: { code: 'unexpected', message } } };
  }
  const { code, message } = error;
  const text = message.startsWith(`${code}: `) ? message : `${code}: ${message}`;
  return { exitCode: exitCodeOf(error), text, document: { ...facts, error: { code, message: text } } };
}

function exitCodeOf(error: SlacklineError | CommandError | TraceError): number {
  if (error instanceof CommandError) return error.exitCode;
  // The text of a trace is an option as any other.
  return error instanceof TraceError && error.code === 'invalid_trace' ? wronglyCalled : 1;
}
