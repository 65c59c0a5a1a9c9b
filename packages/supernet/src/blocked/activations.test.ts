import { expect, it } from 'vitest';
import { analyse } from '../supernet.js';
import { Network } from '../testing/network.js';
import { activationBytes } from './activations.js';

it('counts the rows of the batch once, wherever they stand', () => {
  const net = new Network([1, 8, 16]);
  const wide = net.add('Squeeze', [net.begin().name, net.integers('one', [1])], 'wide');
  const turned = net.add('Transpose', [wide], 'turned', { perm: [1, 0, 2] });
  const active = net.add('Relu', [turned], 'active');
  const back = net.add('Transpose', [active], 'back', { perm: [1, 0, 2] });
  const supernet = analyse(net.build({ name: back, channels: 8 }), {});
  // 16 rows, four bytes each, one tensor of 8 * 16 read and one written.
  expect(activationBytes(supernet)).toBe(16 * 4 * 2 * 8 * 16);
});
