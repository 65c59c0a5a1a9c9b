/** Random small networks: whatever the compiler takes, both forms answer as the extracted subnets do. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { blockSize } from './blocked/block-size.js';
import { mappingWorks } from './blocked/mapped-graph.js';
import { analyse } from './supernet.js';
import { compareForms, drawConfigs } from './testing/compare.js';
import { Network } from './testing/network.js';

type Shaped = ReturnType<Network['begin']>;

/** A tensor with the group of its channels, where they are of one group; undefined where they are of several parts. */
interface Known {
  readonly x: Shaped;
  readonly group: string | undefined;
}

const step = fc.record({
  kind: fc.constantFrom('conv', 'conv', 'depthwise', 'concat', 'residual', 'excite', 'activation', 'shift'),
  from: fc.nat(),
  other: fc.nat(),
  sizes: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
  normalized: fc.boolean(),
  activation: fc.constantFrom('Relu', 'HardSwish', 'Sigmoid', 'Elu'),
});
type StepOf = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Builder {
  readonly net = new Network([2, 4, 4], 14);
  readonly groups: Record<string, { layers: string[]; sizes: number[] }> = {};
  readonly tensors: Known[] = [];
  private count = 0;

  constructor() {
    this.tensors.push({ x: this.net.begin(), group: undefined });
  }

  apply(step: StepOf): void {
    const name = `t${this.count++}`;
    const from = this.pick(step.from);
    const made = this.make(step, name, from);
    const normalized = step.normalized ? { ...made, x: this.net.norm(`${name}.norm`, made.x) } : made;
    this.tensors.push({ ...normalized, x: this.net.op(step.activation, normalized.x, `${name}.act`) });
  }

  private make({ kind, other, sizes }: StepOf, name: string, from: Known): Known {
    const { net } = this;
    if (kind === 'depthwise') return { ...from, x: net.depthwise(name, from.x) };
    if (kind === 'concat') return { x: net.concat(name, from.x, this.pick(other).x), group: undefined };
    if (kind === 'activation') return { ...from, x: net.op('Tanh', from.x, name) };
    if (kind === 'shift') {
      return { ...from, x: net.op('Add', from.x, name, net.random(`${name}.shift`, [1, from.x.channels, 1, 1], 1)) };
    }
    if (kind === 'residual' && from.group !== undefined) {
      const again = this.layer(`${name}.again`, this.pick(other).x, from.x.channels, from.group);
      return { ...from, x: net.op('Add', again, name, from.x) };
    }
    if (kind === 'excite' && from.group !== undefined) {
      const pooled = net.op('GlobalAveragePool', from.x, `${name}.pool`);
      const gate = this.layer(`${name}.gate`, pooled, from.x.channels, from.group, 1);
      return { ...from, x: net.op('Mul', from.x, name, net.op('Sigmoid', gate, `${name}.sigmoid`)) };
    }
    const ascending = [...sizes].sort((a, b) => a - b);
    const group = `g${Object.keys(this.groups).length}`;
    this.groups[group] = { layers: [], sizes: ascending };
    return { x: this.layer(name, this.pick(other).x, ascending.at(-1) ?? 1, group), group };
  }

  private layer(name: string, x: Shaped, channels: number, group: string, kernel = 3): Shaped {
    this.groups[group]?.layers.push(`${name}.weight`);
    return this.net.conv(name, x, channels, { kernel, bias: true });
  }

  /** One of the tensors so far, later ones more often. */
  private pick(which: number): Known {
    const recent = this.tensors.slice(-3);
    return recent[which % recent.length] ?? { x: this.net.begin(), group: undefined };
  }

  build(flat: boolean) {
    const last = this.net.norm('last', this.pick(2).x);
    const features = flat
      ? this.net.reshape(this.net.pool('MaxPool', 'pooled', last), 4)
      : this.net.flatten(this.net.op('GlobalAveragePool', last, 'pooled'));
    return analyse(this.net.build(this.net.gemm('logits', features, 3)), { channels: this.groups });
  }
}

it('agree in both forms', async () => {
  let [elastic, blocked] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 8 }), fc.boolean(), async (steps, flat) => {
      const builder = new Builder();
      for (const each of steps) builder.apply(each);
      const supernet = builder.build(flat);
      for (const form of ['portable', 'auto'] as const) {
        const compared = await compareForms(supernet, drawConfigs(supernet, 3), { rows: 2, form });
        // Normalizations of one pixel or nearly constant channels can make answers large.
        expect(compared.apart).toBeLessThan(1e-3);
        if (compared.form === 'blocked') blocked++;
        else if (compared.spread > 1e-2) elastic++;
      }
    }),
    { numRuns: 40, seed: 5 },
  );
  expect(elastic).toBeGreaterThan(20);
  if ((await blockSize()) !== undefined && (await mappingWorks())) expect(blocked).toBeGreaterThan(20);
}, 120_000);
