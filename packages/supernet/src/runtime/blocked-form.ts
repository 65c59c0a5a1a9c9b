/** The blocked form at run time: actuation makes the subnet's weights, runs take them as inputs. */
import type * as ort from 'onnxruntime-node';
import { Actuator, type HostedGraph } from '../blocked/actuator.js';
import { blockSize } from '../blocked/block-size.js';
import { forwardGraph } from '../blocked/forward.js';
import { BlockedStore } from '../blocked/store.js';
import { SupernetError } from '../errors.js';
import type { HostedSubnet } from '../norms.js';
import { openSession } from '../ort.js';
import type { SubnetConfig } from '../spec.js';
import type { Supernet } from '../supernet.js';
import type { Form } from './form.js';

/**
 * Up to this many choices of depths get a graph each (some 0.3 MB without the activations' memory); more share one
 * graph with `If`.
 */
export const MAX_GRAPHS = 16;

interface Loaded extends HostedGraph {
  readonly session: ort.InferenceSession;
}

/** @throws SupernetError `blocked-unavailable` */
export async function openBlocked(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  threads: number,
  budgetBytes: number,
): Promise<Form> {
  const block = await blockSize();
  if (block === undefined) {
    throw new SupernetError('blocked-unavailable', 'ONNX Runtime has no blocked layout on this machine.');
  }
  const store = new BlockedStore(block);
  const loaded = await loadGraphs(supernet, subnets, store, threads);
  const actuator = new Actuator(supernet, store, loaded, budgetBytes);
  return {
    name: 'blocked',
    actuatedBytes: actuator.bytes,
    actuate: (index) => {
      const session = loaded[index]?.session;
      if (session === undefined) throw new RangeError(`There is no subnet ${index}.`);
      return { session, feeds: actuator.actuate(index) };
    },
    release: async () => {
      await Promise.all([...new Set(loaded.map(({ session }) => session))].map((session) => session.release()));
    },
  };
}

/** The graph of each subnet; subnets of equal depths share one. */
async function loadGraphs(
  supernet: Supernet,
  subnets: readonly HostedSubnet[],
  store: BlockedStore,
  threads: number,
): Promise<Loaded[]> {
  const groups = Object.keys(supernet.spec.depth);
  const key = (config: SubnetConfig) => groups.map((group) => config[group]).join();
  const distinct = new Map(subnets.map(({ config }) => [key(config), config]));
  const open = async (depths?: SubnetConfig) => {
    const graph = forwardGraph(supernet, store, depths);
    return { graph, session: await openSession(graph.model, threads) };
  };
  if (distinct.size > MAX_GRAPHS) {
    const shared = await open();
    return subnets.map((subnet) => ({ subnet, ...shared }));
  }
  const loaded = new Map<string, Awaited<ReturnType<typeof open>>>();
  for (const [depths, config] of distinct) loaded.set(depths, await open(config));
  return subnets.flatMap((subnet) => {
    const own = loaded.get(key(subnet.config));
    return own === undefined ? [] : [{ subnet, ...own }];
  });
}
