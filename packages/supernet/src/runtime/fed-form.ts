/**
 * The blocked form with weights as inputs of the graphs: a graph per choice of depths, or one graph for all subnets with
 * depth by `If`.
 */
import type * as ort from 'onnxruntime-node';
import { Actuator, type PlannedGraph, slotSizes } from '../blocked/actuator.js';
import { Arena } from '../blocked/arena.js';
import { type ForwardGraph, forwardGraph } from '../blocked/forward.js';
import { plan } from '../blocked/plan.js';
import { openSession } from '../ort.js';
import type { SubnetConfig } from '../spec.js';
import { activeNodes } from '../supernet.js';
import type { Form } from './form.js';
import { type Hosting, releaseAll, unavailableFor } from './hosting.js';

/**
 * The sizes of fed weights are part of what a memory pattern is remembered by: each subnet and batch size would get
 * its own block of all activations.
 */
const FED: ort.InferenceSession.SessionOptions = { enableMemPattern: false };

/** @throws SupernetError `blocked-unavailable` */
export async function openFed(hosting: Hosting, maxGraphs: number): Promise<Form> {
  const opened: ort.InferenceSession[] = [];
  try {
    return prepared(hosting, await loadFed(hosting, maxGraphs, opened));
  } catch (cause) {
    await releaseAll(opened);
    throw unavailableFor(cause);
  }
}

/** The memory of the weights, and what fills it. */
function prepared({ supernet, subnets, store, budgetBytes }: Hosting, loaded: readonly Loaded[]): Form {
  const planned = subnets.map((subnet, i): PlannedGraph => {
    const { parameters = [], controls = [] } = loaded[i]?.graph ?? {};
    const active = new Set(activeNodes(supernet, subnet.config));
    const needed = parameters.filter(({ owner }) => active.has(owner));
    return { graph: { parameters, controls }, plan: plan(supernet, subnet, needed) };
  });
  const slots = slotSizes(
    planned.map((each) => each.plan),
    budgetBytes,
  );
  const arena = new Arena(store.bytes + slots.count * slots.slotBytes);
  store.moveTo(arena);
  const sessions = loaded.map(({ session }) => session);
  return fedForm(sessions, new Actuator(planned, arena, slots), slots.count * slots.slotBytes);
}

function fedForm(sessions: readonly ort.InferenceSession[], actuator: Actuator, actuatedBytes: number): Form {
  return {
    name: 'blocked',
    actuatedBytes,
    actuate: (index) => {
      const session = sessions[index];
      if (session === undefined) throw new RangeError(`There is no subnet ${index}.`);
      return { session, feeds: actuator.actuate(index) };
    },
    release: () => releaseAll(sessions),
  };
}

interface Loaded {
  readonly graph: ForwardGraph;
  readonly session: ort.InferenceSession;
}

/** The graph of each subnet; subnets of equal depths share one, or all do. Every session goes to `opened` at once. */
async function loadFed(
  { supernet, subnets, store, threads }: Hosting,
  maxGraphs: number,
  opened: ort.InferenceSession[],
): Promise<Loaded[]> {
  const groups = Object.keys(supernet.spec.depth);
  const key = (config: SubnetConfig) => groups.map((group) => config[group]).join();
  const distinct = new Map(subnets.map(({ config }) => [key(config), config]));
  const open = async (depths?: SubnetConfig): Promise<Loaded> => {
    const graph = forwardGraph(supernet, store, depths);
    const session = await openSession(graph.model, threads, 'cpu', FED);
    opened.push(session);
    return { graph, session };
  };
  if (distinct.size > Math.max(1, maxGraphs)) {
    const shared = await open();
    return subnets.map(() => shared);
  }
  const loaded = new Map<string, Loaded>();
  for (const [depths, config] of distinct) loaded.set(depths, await open(config));
  return subnets.flatMap(({ config }) => loaded.get(key(config)) ?? []);
}
