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
  const { inputs, outputs } = supernetOf(folder);
  const { name, sloMs } = folder.manifest;
  return {
    v: 1,
    name,
    inputs: inputs.map(metadata),
    outputs: outputs.map(metadata),
    sloMs,
    onnx: new Uint8Array(folder.onnx),
    spec: folder.spec,
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

function metadata({ name, datatype, shape }: TensorSignature): TensorMetadata {
  const known = datatypes[datatype];
  if (known === undefined)
    throw new SlacklineError('invalid_model', `The tensor ${name} is of ${datatype}, which is not served`);
  return { name, datatype: known, shape: [...shape] };
}
