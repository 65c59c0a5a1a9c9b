/** `fixed:<subnet>` serves a model without that subnet on its smallest: another model may have it. It is said, at least. */
import { type LatencyTable, lacksSubnet } from '@slackline/scheduling';
import type { Log } from '@slackline/shared';

export function warnOfMissingSubnet(
  policy: string,
  model: string,
  { subnets }: Pick<LatencyTable, 'subnets'>,
  log: Pick<Log, 'warn'>,
): void {
  if (!lacksSubnet(policy, subnets)) return;
  const said = `${policy}: ${model} has no such subnet and is served on its smallest`;
  log.warn({ model, policy, subnets: ['smallest', 'largest', ...subnets.map(({ id }) => id)] }, said);
}
