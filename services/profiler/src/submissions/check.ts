/**
 * Reads the files of a submission and checks them against each other, without long work: the network compiles, the spec
 * fits it, calibration and validation inputs are of its input, labels are its classes. Pure; runs in a process of its own.
 */
import {
  type ArrayFile,
  labelsOf,
  parseArray,
  partTitles,
  quote,
  rowBytes,
  SlacklineError,
  type SubmissionPart,
  submissionParts,
  type TensorMetadata,
} from '@slackline/shared';
import {
  readSupernet,
  type Supernet,
  SupernetError,
  type SupernetErrorCode,
  type TensorSignature,
} from '@slackline/supernet';
import type { Labelled } from '../stages/accuracy.js';
import { metadata } from '../stages/servable.js';

/** The bytes of every part that was submitted. */
export type SubmissionFiles = Partial<Record<SubmissionPart, Uint8Array>>;

/** A submission that can be built. */
export interface ReadSubmission {
  supernet: Supernet;
  onnx: Uint8Array;
  spec: unknown;
  calibration: ArrayFile | undefined;
  validation: Labelled;
}

/** A file at the beginning of a sentence. */
const titleOf = (part: SubmissionPart) => `The ${partTitles[part]}`;

/** ONNX Runtime's names of the types that a NumPy array of this class can be. */
const datatypesOf = new Map<unknown, readonly string[]>([
  [Uint8Array, ['uint8', 'bool']],
  [Int8Array, ['int8']],
  [Uint16Array, ['uint16']],
  [Int16Array, ['int16']],
  [Uint32Array, ['uint32']],
  [Int32Array, ['int32']],
  [BigUint64Array, ['uint64']],
  [BigInt64Array, ['int64']],
  [Float32Array, ['float32']],
  [Float64Array, ['float64']],
]);

/**
 * Reads and checks a submission.
 *
 * @throws SlacklineError of the codes that docs/models.md lists, naming what is wrong and the sizes
 */
export async function readSubmission(files: SubmissionFiles): Promise<ReadSubmission> {
  const onnx = part(files, 'onnx');
  const spec = parseSpec(part(files, 'spec'));
  const supernet = compile(onnx, spec);
  const [input] = supernet.inputs;
  if (input === undefined) throw new SlacklineError('unsupported_model', 'The network has no input');
  checkServable(supernet, input);
  const classes = classesOf(supernet);

  const calibration = await readCalibration(files.calibration, supernet, input);
  const images = await parseArray(part(files, 'images'), titleOf('images'));
  checkRows(images, input, titleOf('images'), 'wrong_validation');
  const labels = labelsOf(await parseArray(part(files, 'labels'), titleOf('labels')), titleOf('labels'));
  checkLabels({ images, labels }, classes);
  return { supernet, onnx, spec, calibration, validation: { images, labels } };
}

/** What queries and answers of a model look like. */
export interface Signature {
  inputs: TensorMetadata[];
  outputs: TensorMetadata[];
}

/**
 * Queries that wait, and producers, know the tensors of the model whose place is taken: with others they would be refused
 * or answered wrongly. Throws `other_signature`.
 */
export function checkSignature(supernet: Supernet, present: Signature): void {
  for (const kind of ['inputs', 'outputs'] as const) {
    const [own, other] = [supernet[kind].map(metadata), present[kind]].map(tensorsText);
    if (own === other) continue;
    throw new SlacklineError(
      'other_signature',
      `Its ${kind} are ${own}, and those of the model that it replaces ${other}`,
    );
  }
}

function tensorsText(tensors: readonly TensorMetadata[]): string {
  return tensors.map(({ name, datatype, shape }) => `${name} ${datatype} ${shapeText(shape)}`).join(', ');
}

/** Reads what `submissionParts` names out of a folder-like source. */
export async function readParts(read: (name: SubmissionPart) => Promise<Uint8Array | undefined>) {
  const files: SubmissionFiles = {};
  for (const name of submissionParts) {
    const bytes = await read(name);
    if (bytes !== undefined) files[name] = bytes;
  }
  return files;
}

function part(files: SubmissionFiles, name: SubmissionPart): Uint8Array {
  const bytes = files[name];
  if (bytes === undefined) throw new SlacklineError('submission_incomplete', `${titleOf(name)} is missing`);
  return bytes;
}

function parseSpec(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SlacklineError('invalid_spec', `The elastic spec is not JSON (${reason})`, { cause });
  }
}

const codes: Readonly<Partial<Record<SupernetErrorCode, SlacklineError['code']>>> = {
  'corrupt-model': 'corrupt_model',
  'model-too-large': 'model_too_large',
  'unsupported-model': 'unsupported_model',
  'unknown-op': 'unknown_op',
  'invalid-spec': 'invalid_spec',
};

function compile(onnx: Uint8Array, spec: unknown): Supernet {
  try {
    return readSupernet(onnx, spec);
  } catch (error) {
    throw coded(error);
  }
}

/** The compiler's refusal as an error of the registry, with its own sentence. */
export function coded(error: unknown): SlacklineError {
  if (error instanceof SlacklineError) return error;
  const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
  const code = error instanceof SupernetError ? codes[error.code] : undefined;
  return new SlacklineError(code ?? 'submission_failed', reason, { cause: error });
}

/** Every answer names the outputs, and everybody reads the catalog. */
const mostNameCharacters = 256;

/** ingest checks every query against the input's size, and encodes every tensor by the protocol's types. */
function checkServable(supernet: Supernet, input: TensorSignature): void {
  if (supernet.groups.every(({ sizes }) => sizes.length === 1)) {
    const what = 'The elastic spec leaves one subnet only: some group must have more than one size';
    throw new SlacklineError('invalid_spec', what);
  }
  for (const { name } of [...supernet.inputs, ...supernet.outputs]) {
    if (name.length <= mostNameCharacters) continue;
    const what = `The tensor ${quote(name)} has a name of ${name.length} characters, and ${mostNameCharacters} are the most`;
    throw new SlacklineError('unsupported_model', what);
  }
  try {
    for (const tensor of [...supernet.inputs, ...supernet.outputs]) metadata(tensor);
    rowBytes(metadata(input));
  } catch (cause) {
    const reason = cause instanceof SlacklineError ? cause.message.replace(/: [^:]*$/, '') : String(cause);
    throw new SlacklineError('unsupported_model', reason, { cause });
  }
}

/** Accuracy is counted on the first output: scores of the classes. */
function classesOf({ outputs }: Supernet): number {
  const [output] = outputs;
  const classes = output?.shape[1];
  if (output === undefined || output.shape.length !== 2 || classes === undefined || classes < 1) {
    const found = output === undefined ? 'none' : `${output.name} of the shape ${shapeText(output.shape)}`;
    const what = `The first output must be scores of the shape [rows, classes]; it is ${found}`;
    throw new SlacklineError('unsupported_model', what);
  }
  return classes;
}

async function readCalibration(bytes: Uint8Array | undefined, supernet: Supernet, input: TensorSignature) {
  if (bytes !== undefined) {
    const calibration = await parseArray(bytes, titleOf('calibration'));
    checkRows(calibration, input, titleOf('calibration'), 'wrong_calibration');
    return calibration;
  }
  const normalization = supernet.model.graph.nodes.find(({ op }) => op === 'BatchNormalization');
  if (normalization === undefined) return undefined;
  const what = `There is no calibration file, and ${normalization.name || normalization.outputs[0]} needs statistics`;
  throw new SlacklineError('wrong_calibration', what);
}

function checkRows(
  { shape, data }: ArrayFile,
  input: TensorSignature,
  title: string,
  code: 'wrong_calibration' | 'wrong_validation',
): void {
  const types = datatypesOf.get(data.constructor) ?? [];
  if (!types.includes(input.datatype)) {
    throw new SlacklineError(code, `${title} holds ${types[0]}, and the input ${input.name} is ${input.datatype}`);
  }
  const fits = shape.length === input.shape.length && shape.every((size, i) => i === 0 || size === input.shape[i]);
  if (!fits) {
    const sizes = `${shapeText(shape)}, and the input ${input.name} has ${shapeText(input.shape)}`;
    throw new SlacklineError(code, `${title} has the shape ${sizes}`);
  }
  if ((shape[0] ?? 0) < 2) throw new SlacklineError(code, `${title} has ${shape[0]} rows; two are the least`);
}

function checkLabels({ images, labels }: Labelled, classes: number): void {
  const rows = images.shape[0] ?? 0;
  if (labels.length !== rows) {
    throw new SlacklineError('wrong_validation', `There are ${labels.length} labels for ${rows} validation images`);
  }
  const row = labels.findIndex((label) => label < 0 || label >= classes);
  if (row === -1) return;
  const what = `The label in row ${row} is ${labels[row]}, and the network has the classes 0 to ${classes - 1}`;
  throw new SlacklineError('wrong_validation', what);
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.map((size) => (size === -1 ? 'rows' : size)).join(', ')}]`;
}
