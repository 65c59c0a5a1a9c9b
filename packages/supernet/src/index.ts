/** The SubNetAct compiler: docs/supernet.md describes it. */
import './no-telemetry.js';

export { allConfigs, canonicalConfig, checkConfig, largestConfig, smallestConfig, subnetId } from './config.js';
export { SupernetError, type SupernetErrorCode } from './errors.js';
export { extract } from './extract.js';
export {
  decodeStatistics,
  encodeStatistics,
  type HostedSubnet,
  type NormStatistics,
  type SubnetStatistics,
} from './norms.js';
export type { DataType, Model, Node } from './onnx/model.js';
export { readModel } from './onnx/read.js';
export { writeModel } from './onnx/write.js';
export type { ExecutionProvider, TypedArray } from './ort.js';
export type { Adapter } from './probe/adapter.js';
export { type Probe, probeExecutionProvider } from './probe/probe.js';
export type { FormName } from './runtime/form.js';
export { type SessionOptions, SupernetSession } from './runtime/session.js';
export { packServable, type Servable, unpackServable } from './servable.js';
export { sizesForOneRow } from './sizes.js';
export type { ElasticSpec, SubnetConfig } from './spec.js';
export { calibrate } from './statistics.js';
export { activeNodes, type ElasticGroup, readSupernet, type Supernet, type TensorSignature } from './supernet.js';
