/** The process behind `probeExecutionProvider`: runs the trial network and tells its parent what came out. */
import '../no-telemetry.js';
import * as ort from 'onnxruntime-node';
import { writeModel } from '../onnx/write.js';
import type { TrialMessage } from './probe.js';
import { trialDims, trialInput, trialNetwork } from './trial-network.js';

async function trial(provider: string): Promise<TrialMessage> {
  try {
    const session = await ort.InferenceSession.create(writeModel(trialNetwork()), {
      executionProviders: [provider],
      // Else what the device cannot do would be done by the CPU, and the trial would show nothing.
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    });
    const { y } = await session.run({ x: new ort.Tensor('float32', trialInput, trialDims) });
    return { values: Array.from((y?.data ?? []) as Float32Array) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

process.send?.(await trial(process.argv[2] ?? ''));
