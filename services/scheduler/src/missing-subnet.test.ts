import { expect, it } from 'vitest';
import { warnOfMissingSubnet } from './missing-subnet.js';

it('a fixed subnet that a model does not have is said with those it has', () => {
  const said: { fields: unknown; text: unknown }[] = [];
  const log = { warn: (fields: unknown, text?: unknown) => void said.push({ fields, text }) };
  const table = {
    subnets: [
      { id: 'w16', accuracy: 0.8 },
      { id: 'w32', accuracy: 0.9 },
    ],
  };
  for (const policy of ['slackfit', 'fixed:w32', 'fixed:smallest', 'fixed:largest']) {
    warnOfMissingSubnet(policy, 'fashion', table, log);
  }
  expect(said).toEqual([]);
  warnOfMissingSubnet('fixed:w64', 'fashion', table, log);
  expect(said).toEqual([
    {
      fields: { model: 'fashion', policy: 'fixed:w64', subnets: ['smallest', 'largest', 'w16', 'w32'] },
      text: 'fixed:w64: fashion has no such subnet and is served on its smallest',
    },
  ]);
});
