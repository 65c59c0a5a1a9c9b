/** Whom a planned fault hits, of the processes that live. */
import type { PlannedFault } from '../plan/plan.js';
import type { Victim } from '../target/target.js';

/** By name, so that the same draw means the same process in a replay; undefined: there is nobody to hit. */
export function choose(victims: readonly Victim[], { victim }: Pick<PlannedFault, 'victim'>): Victim | undefined {
  if (victim === 'leader') return victims.find(({ leads }) => leads);
  const byName = [...victims].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return byName[victim.draw % Math.max(1, byName.length)];
}
