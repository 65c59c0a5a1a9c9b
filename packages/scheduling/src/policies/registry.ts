/** Policies by the names that configuration uses. */
import type { Policy } from '../policy.js';
import { BudgetFit } from './budgetfit.js';
import { FixedSubnet, MaxAccuracy, MaxBatch } from './greedy.js';
import { Infaas } from './infaas.js';
import { Proteus } from './proteus.js';
import { SlackFit } from './slackfit.js';

/** The names, with `fixed:<subnet>` and `infaas:<accuracy>` standing for all of their kind. */
export const policyNames = [
  'budgetfit',
  'slackfit',
  'maxbatch',
  'maxacc',
  'fixed:<subnet>',
  'infaas',
  'infaas:<accuracy>',
  'proteus',
] as const;

/** The one that serves unless another is named. */
export const defaultPolicy = 'budgetfit';

/**
 * A policy of its own for every owner: some keep state.
 *
 * @throws RangeError naming the policies there are
 */
export function createPolicy(name: string): Policy {
  if (name === 'budgetfit') return new BudgetFit();
  if (name === 'slackfit') return new SlackFit();
  if (name === 'maxbatch') return new MaxBatch();
  if (name === 'maxacc') return new MaxAccuracy();
  if (name === 'infaas') return new Infaas();
  if (name === 'proteus') return new Proteus();
  const [kind, value = ''] = name.split(/:(.*)/s);
  if (kind === 'fixed' && value !== '') return new FixedSubnet(value);
  const accuracy = value === '' ? Number.NaN : Number(value);
  if (kind === 'infaas' && accuracy > 0 && accuracy <= 1) return new Infaas(accuracy);
  throw new RangeError(`there is no policy ${name}; there are ${policyNames.join(', ')}`);
}

/** Whether a `fixed:<subnet>` names none of these: it then runs the smallest. */
export function lacksSubnet(policy: string, subnets: readonly { readonly id: string }[]): boolean {
  const [kind, subnet = ''] = policy.split(/:(.*)/s);
  return kind === 'fixed' && !['smallest', 'largest', ...subnets.map(({ id }) => id)].includes(subnet);
}

/** Whether `createPolicy` takes it. */
export function isPolicyName(name: string): boolean {
  try {
    return createPolicy(name) !== undefined;
  } catch {
    return false;
  }
}
