/** What the two forms of a compiled supernet have in common once they are loaded. */
import type * as ort from 'onnxruntime-node';

export type FormName = 'portable' | 'blocked';

/**
 * How to run a subnet: the graph that holds it, and the tensors to feed beside the data. A run adds the data to `feeds`
 * in place: copying a few dozen entries each time would cost a small subnet several percent.
 */
export interface Actuated {
  readonly session: ort.InferenceSession;
  readonly feeds: Record<string, ort.Tensor>;
}

export interface Form {
  readonly name: FormName;
  /** Bytes held for actuated subnets, beside the shared weights. */
  readonly actuatedBytes: number;
  /** Makes a hosted subnet ready to run. */
  actuate(index: number): Actuated;
  release(): Promise<void>;
}
