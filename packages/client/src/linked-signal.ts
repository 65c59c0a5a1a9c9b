/** One abort signal for several, that can be let go of. */

/**
 * Aborts when the first of `signals` does. `AbortSignal.any` would do, but on Node 20 each call of it leaves a trace on every
 * signal that lives on, and a client's own signal lives as long as the client. Call `unlink` when the work is done.
 */
export function linkedSignal(signals: readonly AbortSignal[]): { signal: AbortSignal; unlink: () => void } {
  const any = new AbortController();
  const unlink = () => {
    for (const signal of signals) signal.removeEventListener('abort', end);
  };
  function end(): void {
    unlink();
    any.abort();
  }
  for (const signal of signals) signal.addEventListener('abort', end);
  if (signals.some(({ aborted }) => aborted)) end();
  return { signal: any.signal, unlink };
}
