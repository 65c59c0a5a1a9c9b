/**
 * The blocked form at run time, in one of three ways, the fastest that the hosted subnets allow:
 *
 *   own      a graph per subnet, weights mapped: as fast as the extracted subnet
 *   depths   a graph per choice of depths, weights as inputs
 *   shared   one graph for all, weights as inputs, depth by `If`
 *
 * Each graph holds the memory of its activations, so large networks and many subnets share one.
 */
import { activationBytes } from '../blocked/activations.js';
import { blockSize } from '../blocked/block-size.js';
import { mappingWorks } from '../blocked/mapped-graph.js';
import { BlockedStore } from '../blocked/store.js';
import { SupernetError } from '../errors.js';
import type { HostedSubnet } from '../norms.js';
import type { Supernet } from '../supernet.js';
import { openFed } from './fed-form.js';
import type { Form } from './form.js';
import type { Hosting } from './hosting.js';
import { openOwn } from './own-form.js';

/** Choices of depths that get a graph each; opening one that takes its weights as inputs is slow. */
const MAX_DEPTH_GRAPHS = 16;
/** What the activations of all graphs may take together, as reckoned for 16 rows, before all subnets share a graph. */
const ACTIVATION_BYTES = 128 * 2 ** 20;

export interface BlockedOptions {
  readonly threads: number;
  /** See SessionOptions. */
  readonly actuatedBytes: number;
  readonly maxGraphs: number;
}

/** @throws SupernetError `blocked-unavailable` */
export async function openBlocked(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  { threads, actuatedBytes, maxGraphs }: BlockedOptions,
): Promise<Form> {
  const block = await blockSize();
  if (block === undefined) {
    throw new SupernetError('blocked-unavailable', 'ONNX Runtime has no blocked layout on this machine.');
  }
  const hosting: Hosting = { supernet, subnets, store: new BlockedStore(block), threads, budgetBytes: actuatedBytes };
  const graphs = Math.min(maxGraphs, Math.floor(ACTIVATION_BYTES / activationBytes(supernet)));
  const own = subnets.length <= graphs && (await mappingWorks());
  return (own ? await openOwn(hosting) : undefined) ?? openFed(hosting, Math.min(MAX_DEPTH_GRAPHS, graphs));
}
