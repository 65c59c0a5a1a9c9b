/**
 * A CPU profile as V8 writes it (`.cpuprofile`), as one tree of calls with the time spent in each: nodes of the same
 * function under the same callers are one, and the time in which the process waited is left out.
 *
 * https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile
 */
import type { Profiler } from 'node:inspector';
import { basename } from 'node:path';
import { type Owner, ownerOf } from './owners.js';

/** Times in microseconds of a monotonic clock. */
export type CpuProfile = Profiler.Profile;

/** A function, called from one chain of callers. */
export interface Call {
  name: string;
  owner: Owner;
  /** `file.js:12`; empty for native code. */
  place: string;
  /** Of its own code, in microseconds. */
  selfUs: number;
  /** With all that it called. */
  totalUs: number;
  /** In the order that the profile has them in. */
  callees: readonly Call[];
}

export interface CallTree {
  /** All that the process did; everything is called from here. */
  root: Call;
  /** How long it waited for something to do, in microseconds; no part of the tree. */
  idleUs: number;
}

/** Throws `Error` where the nodes are no tree. */
export function callTree(profile: CpuProfile): CallTree {
  const timeUs = timeOfNodes(profile);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const visited = new Set<number>();
  let idleUs = 0;
  /** One call of nodes that are the same function and have the same callers. */
  const called = (same: readonly Profiler.ProfileNode[], frame: Profiler.ProfileNode['callFrame']): Call => {
    const callees = new Map<string, Profiler.ProfileNode[]>();
    for (const id of same.flatMap(({ children = [] }) => children)) {
      const node = nodes.get(id);
      if (node === undefined || visited.has(id)) throw new Error(`the nodes of a CPU profile are no tree at ${id}`);
      visited.add(id);
      if (node.callFrame.functionName === idleName) idleUs += timeUs.get(id) ?? 0;
      else grouped(callees, keyOf(node.callFrame), node);
    }
    const calls = [...callees.values()].flatMap((group) => (group[0] ? [called(group, group[0].callFrame)] : []));
    const selfUs = same.reduce((sum, { id }) => sum + (timeUs.get(id) ?? 0), 0);
    return {
      ...described(frame),
      selfUs,
      totalUs: calls.reduce((sum, call) => sum + call.totalUs, selfUs),
      callees: calls,
    };
  };
  const [first] = profile.nodes;
  const root = called(first === undefined ? [] : [first], allFrame);
  return { root, idleUs };
}

const idleName = '(idle)';
const allFrame = { functionName: 'all', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };

/** A sample stands for the time until the next one. */
function timeOfNodes({ samples = [], timeDeltas = [], startTime, endTime }: CpuProfile): Map<number, number> {
  const timeUs = new Map<number, number>();
  let atUs = startTime;
  samples.forEach((id, i) => {
    atUs += timeDeltas[i] ?? 0;
    // Samples may be told a little out of order.
    const lastsUs = Math.max(0, timeDeltas[i + 1] ?? endTime - atUs);
    timeUs.set(id, (timeUs.get(id) ?? 0) + lastsUs);
  });
  return timeUs;
}

function grouped<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [item]);
  else group.push(item);
}

const keyOf = ({ functionName, url, lineNumber, columnNumber }: Profiler.ProfileNode['callFrame']) =>
  `${functionName} ${url}:${lineNumber}:${columnNumber}`;

function described({ functionName, url, lineNumber }: Profiler.ProfileNode['callFrame']) {
  const file = url.startsWith('node:') ? url : basename(url);
  const place = url === '' ? '' : `${file}:${lineNumber + 1}`;
  return { name: functionName === '' ? `(anonymous) ${place}`.trimEnd() : functionName, owner: ownerOf(url), place };
}
