/** Policies by the names that configuration uses. */
import type { Policy } from '../policy.js';
import { FixedSubnet, MaxAccuracy, MaxBatch } from './greedy.js';
import { SlackFit } from './slackfit.js';

/** The names, with `fixed:<subnet>` standing for all of its kind. */
export const policyNames = ['slackfit', 'maxbatch', 'maxacc', 'fixed:<subnet>'] as const;

/** @throws RangeError naming the policies there are */
export function createPolicy(name: string): Policy {
  if (name === 'slackfit') return new SlackFit();
  if (name === 'maxbatch') return new MaxBatch();
  if (name === 'maxacc') return new MaxAccuracy();
  if (name.startsWith('fixed:') && name.length > 'fixed:'.length) return new FixedSubnet(name.slice('fixed:'.length));
  throw new RangeError(`there is no policy ${name}; there are ${policyNames.join(', ')}`);
}
