/**
 * The blocked form with a graph per subnet, everything in it static, and weights mapped from a file: as fast as the
 * extracted subnets, from one copy of the shared weights.
 */
import type * as ort from 'onnxruntime-node';
import { slotSizes } from '../blocked/actuator.js';
import { Arena, alignedBytes } from '../blocked/arena.js';
import { type ForwardGraph, forwardGraph } from '../blocked/forward.js';
import { MappedActuator, regions, stagingFloats } from '../blocked/mapped-actuator.js';
import { MappedFile } from '../blocked/mapped-file.js';
import { isConvolutional, mapWeights, openMapped } from '../blocked/mapped-graph.js';
import { plan } from '../blocked/plan.js';
import { requirePlain } from '../blocked/prefixes.js';
import { stillOf } from '../blocked/provenance.js';
import { stillForwardGraph } from '../blocked/still-forward.js';
import type { BlockedStore } from '../blocked/store.js';
import { fillUp, trusted } from '../blocked/tuned.js';
import { SupernetError } from '../errors.js';
import type { SubnetConfig } from '../spec.js';
import type { Supernet } from '../supernet.js';
import type { Form } from './form.js';
import { type Hosting, releaseAll, unavailableFor } from './hosting.js';

/** Undefined where the shared memory has no room. @throws SupernetError `blocked-unavailable` */
export async function openOwn({ supernet, subnets, store, threads, budgetBytes }: Hosting): Promise<Form | undefined> {
  const graphOf = ownGraphs(supernet, store);
  const planned = subnets.map((subnet) => {
    const graph = orUnavailable(() => graphOf(subnet.config));
    return { graph, plan: plan(supernet, subnet, graph.parameters) };
  });
  const plans = planned.map((each) => each.plan);
  const { bytes, offsets } = regions(plans, slotSizes(plans, budgetBytes));
  const file = MappedFile.create(bytes);
  if (file === undefined) return undefined;
  const sessions: ort.InferenceSession[] = [];
  const release = releaseOf(sessions, file);
  try {
    const arena = new Arena(store.bytes + alignedBytes(stagingFloats(plans)));
    store.moveTo(arena);
    const actuator = new MappedActuator(plans, arena, file, offsets);
    const optimize = !isConvolutional(supernet);
    if (optimize) fillUp(file);
    const models = planned.map((each, i) => mapWeights(each.graph, each.plan, file, offsets[i] ?? 0));
    for (const model of models) sessions.push(await openMapped(model, file, threads, optimize));
    for (const [i, model] of models.entries()) {
      const session = sessions[i];
      if (!optimize || session === undefined) continue;
      actuator.actuate(i);
      sessions[i] = await trusted(session, model, file, threads, supernet.inputs);
    }
    file.unlink();
    return ownForm(sessions, actuator, bytes, release);
  } catch (cause) {
    await release();
    throw unavailableFor(cause);
  }
}

/** Graphs made of weights that are blocked once for all where the network allows it, else subnet by subnet. */
function ownGraphs(supernet: Supernet, store: BlockedStore): (config: SubnetConfig) => ForwardGraph {
  try {
    requirePlain(supernet);
  } catch (error) {
    if (!(error instanceof SupernetError)) throw error;
    return (config) => stillForwardGraph(stillOf(supernet, config), store.block);
  }
  return (config) => forwardGraph(supernet, store, config);
}

/** Whatever a graph cannot be built for, the portable form may hold all the same. */
function orUnavailable(build: () => ForwardGraph): ForwardGraph {
  try {
    return build();
  } catch (cause) {
    if (!(cause instanceof SupernetError)) throw cause;
    throw new SupernetError('blocked-unavailable', cause.message, { cause });
  }
}

// The closures of a form live as long as the session: they are made where neither supernet nor statistics are in sight.
function ownForm(
  sessions: readonly ort.InferenceSession[],
  actuator: MappedActuator,
  actuatedBytes: number,
  release: () => Promise<void>,
): Form {
  const actuated = sessions.map((session) => ({ session, feeds: {} }));
  return {
    name: 'blocked',
    actuatedBytes,
    actuate: (index) => {
      const ready = actuated[index];
      if (ready === undefined) throw new RangeError(`There is no subnet ${index}.`);
      actuator.actuate(index);
      return ready;
    },
    release,
  };
}

function releaseOf(sessions: readonly ort.InferenceSession[], file: MappedFile): () => Promise<void> {
  return async () => {
    await releaseAll(sessions);
    file.close();
  };
}
