/** The policies that are compared, and how reports and plots show them. */

import type { Series } from '@slackline/plot';
import { policyNames } from '@slackline/scheduling';
import type { Device } from './device.js';

/** Accuracy that `infaas:<accuracy>` is asked for: a user who wants nearly the best without the last point. */
const infaasThreshold = 0.77;

/** Every policy that a name creates, and each subnet of the device as the one that is always served. */
export function comparedPolicies(defaultPolicy: string, device: Device): string[] {
  const plain = policyNames.filter((name) => !name.includes('<'));
  const fixed = device.subnets.map(({ id }) => fixedName(id));
  const hasThreshold = policyNames.some((name) => name.startsWith('infaas:'));
  const all = [defaultPolicy, 'slackfit', ...plain, ...(hasThreshold ? [`infaas:${infaasThreshold}`] : []), ...fixed];
  return [...new Set(all)];
}

export function fixedName(subnet: string): string {
  return `fixed:${subnet}`;
}

export function isFixed(policy: string): boolean {
  return policy.startsWith('fixed:');
}

type Style = Required<Pick<Series, 'color' | 'shape'>>;

const styles: Readonly<Record<string, Style>> = {
  slackfit: { color: '#0072b2', shape: 'circle' },
  maxbatch: { color: '#009e73', shape: 'triangle' },
  maxacc: { color: '#cc79a7', shape: 'diamond' },
  infaas: { color: '#e69f00', shape: 'square' },
  proteus: { color: '#7a4fb5', shape: 'square' },
  fixed: { color: '#6e7781', shape: 'circle' },
};
const ofThreshold: Style = { color: '#e69f00', shape: 'cross' };
const ofDefault: Style = { color: '#d55e00', shape: 'ring' };

/** The same in every plot. */
export function styleOf(policy: string): Style {
  if (policy.startsWith('infaas:')) return ofThreshold;
  return styles[isFixed(policy) ? 'fixed' : policy] ?? ofDefault;
}
