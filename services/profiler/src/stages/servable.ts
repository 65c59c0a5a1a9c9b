/** Makes of a built model folder what is published: the servable's parts and the model's entry. */
import { type Datatype, type ModelEntry, SlacklineError, type TensorMetadata } from '@slackline/shared';
import { readSupernet, type Servable, type Supernet, type TensorSignature } from '@slackline/supernet';
import type { BuildResult } from '../build/result.js';
import type { ModelFolder } from './read.js';

/** Datatypes of the Open Inference Protocol, by ONNX Runtime's names. */
const datatypes: Readonly<Record<string, Datatype>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float32: 'FP32',
  float64: 'FP64',
};

/** Reads the supernet of a folder. Throws `invalid_model` with the compiler's reason. */
export function supernetOf({ directory, onnx, spec }: ModelFolder): Supernet {
  try {
    return readSupernet(onnx, spec);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SlacklineError('invalid_model', `The supernet in ${directory} cannot be served (${reason})`, { cause });
  }
}

/** A servable whose tensors are of the protocol's datatypes. */
export type PublishableServable = Servable & { inputs: TensorMetadata[]; outputs: TensorMetadata[] };

/** The servable of a folder with what its build found. Throws `invalid_model`. */
export function servableOf(folder: ModelFolder, { subnets }: BuildResult): PublishableServable {
  const { onnx, spec, manifest } = folder;
  return servableFrom({
    name: manifest.name,
    sloMs: manifest.sloMs,
    supernet: supernetOf(folder),
    onnx,
    spec,
    subnets,
  });
}

/** What a servable is made of. */
export interface ServableParts {
  name: string;
  sloMs: number;
  supernet: Supernet;
  /** The files that `supernet` was read from. */
  onnx: Uint8Array;
  spec: unknown;
  subnets: BuildResult['subnets'];
}

/** The servable of these parts. Throws `invalid_model` where a tensor is of a type that is not served. */
export function servableFrom({ name, sloMs, supernet, onnx, spec, subnets }: ServableParts): PublishableServable {
  return {
    v: 1,
    name,
    inputs: supernet.inputs.map(metadata),
    outputs: supernet.outputs.map(metadata),
    sloMs,
    onnx: new Uint8Array(onnx),
    spec,
    subnets: subnets.map(({ id, config, accuracy, statistics }) => {
      return { id, config, accuracy, statistics: new Uint8Array(statistics) };
    }),
  };
}

/** What the other services must know of a servable whose digest is `digest`. */
export function entryOf({ name, inputs, outputs, sloMs, subnets }: PublishableServable, digest: string): ModelEntry {
  const published = subnets.map(({ id, accuracy }) => ({ id, accuracy }));
  return { v: 1, name, digest, inputs, outputs, sloMs, subnets: published };
}

/** A tensor as the protocol describes it. Throws `invalid_model` where it is of a type that is not served. */
export function metadata({ name, datatype, shape }: TensorSignature): TensorMetadata {
  const known = datatypes[datatype];
  if (known === undefined)
    throw new SlacklineError('invalid_model', `The tensor ${name} is of ${datatype}, which is not served`);
  return { name, datatype: known, shape: [...shape] };
}
