/** The portable form at run time: a subnet is a handful of integers. */
import * as ort from 'onnxruntime-node';
import type { HostedSubnet } from '../norms.js';
import { type ExecutionProvider, openSession } from '../ort.js';
import { controlName, portable, SUBNET_CONTROL } from '../portable.js';
import type { Supernet } from '../supernet.js';
import type { Form } from './form.js';

export async function openPortable(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  threads: number,
  executionProvider: ExecutionProvider,
): Promise<Form> {
  const session = await openSession(portable(supernet, subnets), threads, executionProvider);
  const taken = new Set(session.inputNames);
  const actuated = subnets.map(({ config }, index) => {
    const sizes = supernet.groups.map(({ name }) => [controlName(name), int64([1], config[name] ?? 0)] as const);
    const all = [...sizes, [SUBNET_CONTROL, int64([], index)] as const];
    return { session, feeds: Object.fromEntries(all.filter(([name]) => taken.has(name))) };
  });
  return {
    name: 'portable',
    actuatedBytes: 0,
    actuate: (index) => actuated[index] ?? { session, feeds: {} },
    release: () => session.release(),
  };
}

function int64(dims: number[], value: number): ort.Tensor {
  return new ort.Tensor('int64', BigInt64Array.of(BigInt(value)), dims);
}
