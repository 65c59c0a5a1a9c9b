/** What is worked out once per hosted subnet: which parameters it needs, how large they are, and its scales. */
import type { HostedSubnet } from '../norms.js';
import { elements } from '../onnx/model.js';
import type { SubnetConfig } from '../spec.js';
import type { Supernet } from '../supernet.js';
import { type CompactAffine, compactAffine, readAffine } from './affine.js';
import { type Arena, alignedBytes } from './arena.js';
import type { Parameter } from './parameters.js';

/** A parameter with its sizes in one subnet. */
export interface Sized {
  readonly parameter: Parameter;
  readonly dims: number[];
  readonly floats: number;
  /** Where it begins among the subnet's parameters; a multiple of 64. */
  readonly offsetBytes: number;
}

export interface Plan {
  readonly config: SubnetConfig;
  /** The parameters of what runs in the subnet, one after the other. */
  readonly sized: readonly Sized[];
  /** All of them together. */
  readonly bytes: number;
  readonly affine: CompactAffine;
}

/** The parameters are those that the subnet needs. */
export function plan(supernet: Supernet, subnet: HostedSubnet, parameters: readonly Parameter[]): Plan {
  let bytes = 0;
  const sized = parameters.map((parameter): Sized => {
    const dims = parameter.dims(subnet.config);
    const floats = elements(dims);
    const offsetBytes = bytes;
    bytes += alignedBytes(floats);
    return { parameter, dims, floats, offsetBytes };
  });
  return { config: subnet.config, sized, bytes, affine: compactAffine(supernet, subnet) };
}

/** Makes all parameters of a subnet, in order; `target` says where each is to be written. */
export function makeParameters(
  { config, sized, affine }: Plan,
  arena: Arena,
  target: (of: Sized) => Float32Array,
  done?: (of: Sized, made: Float32Array) => void,
): void {
  const known = readAffine(affine);
  for (const of of sized) {
    const made = target(of);
    of.parameter.fill(made, config, known, arena);
    done?.(of, made);
  }
}
