/** Several cuts at a time as one: what they do to the bytes of a connection together. */
import type { Cut } from '../target/target.js';
import type { Flows } from './link.js';

/** What becomes of connections under these cuts; `reset` where they cannot live. */
export function combined(cuts: Iterable<Cut>): Flows | 'reset' {
  const flows: Flows = { out: { silent: false, delayMs: 0 }, in: { silent: false, delayMs: 0 } };
  for (const cut of cuts) {
    if (cut.kind === 'reset') return 'reset';
    if (cut.kind === 'delay') {
      flows.out.delayMs += cut.delayMs;
      flows.in.delayMs += cut.delayMs;
    } else if (cut.kind === 'half-open') {
      flows[cut.silent].silent = true;
    } else {
      flows.out.silent = true;
      flows.in.silent = true;
    }
  }
  return flows;
}
