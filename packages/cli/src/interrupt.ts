/** Ctrl-C: the first asks for an orderly end, the second ends everything at once. */
import { CommandError } from './errors.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** npm passes on the SIGINT that the terminal sends to both: within this time two signals are one key. */
const sameKeyMs = 300;
const parentEveryMs = 250;

/** The person who started the command wants it to end. */
export class Interrupted extends CommandError {
  constructor(exitCode: number) {
    super('Interrupted.', { code: 'interrupted', exitCode });
  }
}

/**
 * A signal that aborts, with an `Interrupted` as its reason, when the process is told to end. Whoever holds processes ends
 * them then; packages/local kills what is left when this process exits.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  endWithNpm(() => controller.abort(new Interrupted(exitCodes.SIGTERM)));
  let firstAtMs: number | undefined;
  for (const name of signals) {
    process.on(name, () => {
      const now = performance.now();
      if (firstAtMs === undefined) {
        firstAtMs = now;
        controller.abort(new Interrupted(exitCodes[name]));
      } else if (now - firstAtMs > sameKeyMs) {
        process.exit(exitCodes[name]);
      }
    });
  }
  return controller.signal;
}

/**
 * Long work that never lets the event loop hear of a signal, and that holds nothing which must be ended: meanwhile signals
 * end the process at once, as they do where nobody listens.
 */
export function endingAtOnce<T>(work: () => T): T {
  const heard = signals.map((name) => ({ name, listeners: process.listeners(name) }));
  for (const { name } of heard) process.removeAllListeners(name);
  try {
    return work();
  } finally {
    for (const { name, listeners } of heard) for (const listener of listeners) process.on(name, listener);
  }
}

/**
 * npm ends its shell when it is told to end, and the shell does not pass that on: the command would go on alone. Started by
 * npm, it ends when its parent does. Started by anything else it may outlive its parent, as `nohup` asks for.
 */
function endWithNpm(end: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, parentEveryMs);
  // Only for as long as there is something to end.
  watch.unref();
}

/** `promise`, or the signal's reason when it aborts first; what `promise` then rejects with is of no interest. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  let onAbort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
