/** Who has the cores where they are short. */
import { getPriority, setPriority } from 'node:os';

/** The others then have three parts of a core that is wanted by both, and this one has one. */
const niceness = 5;

/**
 * For a process that fills a queue: its thread gives way to those that empty it. A time limit begins when a query is read here; what waits
 * behind the stream uses its own up, and is in the way of all that comes later.
 */
export function giveWay(): void {
  try {
    setPriority(Math.max(getPriority(), niceness));
  } catch {
    // Priorities are not ours to set, which costs only speed.
  }
}
