/** `fixed:<subnet>` serves a model without that subnet on its smallest: another model may have it. It is said, at least. */
import type { LatencyTable } from '@slackline/scheduling';
import type { Log } from '@slackline/shared';

const always = ['smallest', 'largest'];

export function warnOfMissingSubnet(
  policy: string,
  model: string,
  { subnets }: Pick<LatencyTable, 'subnets'>,
  log: Pick<Log, 'warn'>,
): void {
  const [kind, subnet = ''] = policy.split(/:(.*)/s);
  const ids = subnets.map(({ id }) => id);
  if (kind !== 'fixed' || always.includes(subnet) || ids.includes(subnet)) return;
  const said = `${policy}: ${model} has no such subnet and is served on its smallest`;
  log.warn({ model, policy, subnets: [...always, ...ids] }, said);
}
