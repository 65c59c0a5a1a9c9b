/** From a servable's bytes to a model on the device. */
import { tensorMetadata } from '@slackline/shared';
import {
  decodeStatistics,
  readSupernet,
  type SessionOptions,
  SupernetSession,
  unpackServable,
} from '@slackline/supernet';
import { z } from 'zod';
import { HostedModel } from './hosted-model.js';

/** A model of many subnets must not keep a worker from its work for long. */
const warmUpMs = 1_000;

const signature = z.object({ inputs: z.tuple([tensorMetadata]), outputs: z.array(tensorMetadata).min(1) });

/**
 * Checks the bytes against their digest, and loads the supernet with all its subnets.
 * Throws when the bytes are damaged, and `SupernetError` when they hold no supernet that can be served.
 */
export async function openServable(
  data: Uint8Array,
  digest: string,
  options: Pick<SessionOptions, 'threads' | 'executionProvider'>,
): Promise<HostedModel> {
  const servable = unpackServable(data, digest);
  const { inputs, outputs } = signature.parse(servable);
  const subnets = servable.subnets.map(({ id, config, statistics }) => ({
    id,
    config,
    statistics: decodeStatistics(statistics),
  }));
  const supernet = readSupernet(servable.onnx, servable.spec);
  const session = await SupernetSession.open(supernet, subnets, options);
  const model = new HostedModel(session, { input: inputs[0], outputs, subnets: subnets.map(({ id }) => id) });
  await model.warmUp(warmUpMs);
  return model;
}
