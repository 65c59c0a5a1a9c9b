/** Errors of starting processes, in the words of the registry in packages/shared. */
import { SlacklineError } from '@slackline/shared';
import type { Exit } from './processes/owned-process.js';

/**
 * A process that did not become ready.
 * @param name of the process
 * @param reason what happened instead, to follow the name: "exited with code 1 before it was ready"
 * @param lastLines the end of what it wrote, oldest first
 */
export function startFailure(name: string, reason: string, lastLines: readonly string[]): SlacklineError {
  const said = lastLines.map((line) => `  ${sentenceIn(line)}\n`).join('');
  return new SlacklineError('service_failed', `${said}${name} ${reason}`);
}

/** What a line of a service's log says, without the fields around it; other lines as they are. */
function sentenceIn(line: string): string {
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown };
    return typeof msg === 'string' ? msg : line;
  } catch {
    return line;
  }
}

/** "exited with code 1" or "was ended by SIGKILL". */
export function describeExit(exit: Exit): string {
  return exit.signal === null ? `exited with code ${exit.code ?? 'unknown'}` : `was ended by ${exit.signal}`;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
