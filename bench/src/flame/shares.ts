/** Who a profile's busy time belongs to, in numbers. */
import { type Owner, ownerNames, owners } from './owners.js';
import { type Call, type CpuProfile, callTree } from './profile.js';

export interface OwnerShare {
  owner: Owner;
  /** Of the busy time: in this owner's own code. */
  self: number;
  /** With what Node and V8 did for it: their time counts for whoever called them last. */
  caused: number;
}

export interface FunctionShare {
  name: string;
  owner: Owner;
  /** `file.js:12`; empty for native code. */
  place: string;
  /** Of the busy time, in its own code, wherever it was called from. */
  self: number;
}

export interface Shares {
  busyMs: number;
  idleMs: number;
  /** In the order of `owners`; `self` adds up to 1, and so does `caused`. Zeros for a profile without busy time. */
  byOwner: OwnerShare[];
  /** Largest first. */
  functions: FunctionShare[];
}

/** @param most how many functions to tell */
export function shares(profile: CpuProfile, most = 20): Shares {
  const { root, idleUs } = callTree(profile);
  const self = zeros();
  const caused = zeros();
  const functions = new Map<string, FunctionShare>();
  const busyUs = root.totalUs;
  const walk = (call: Call, caller: Owner) => {
    const { name, owner, place, selfUs } = call;
    const behalf = owner === 'node' ? caller : owner;
    self[owner] += selfUs;
    caused[behalf] += selfUs;
    const key = `${owner} ${place} ${name}`;
    const share = functions.get(key) ?? { name, owner, place, self: 0 };
    share.self += busyUs > 0 ? selfUs / busyUs : 0;
    functions.set(key, share);
    for (const callee of call.callees) walk(callee, behalf);
  };
  walk(root, 'node');
  const share = (us: number) => (busyUs > 0 ? us / busyUs : 0);
  return {
    busyMs: busyUs / 1_000,
    idleMs: idleUs / 1_000,
    byOwner: owners.map((owner) => ({ owner, self: share(self[owner]), caused: share(caused[owner]) })),
    functions: [...functions.values()].sort((a, b) => b.self - a.self).slice(0, most),
  };
}

/** The shares as two tables of Markdown. */
export function sharesText({ byOwner, functions }: Shares): string {
  return [
    '| whose code | own time | with what Node did for it |',
    '|---|---|---|',
    ...byOwner.map(({ owner, self, caused }) => `| ${ownerNames[owner]} | ${percent(self)} | ${percent(caused)} |`),
    '',
    '| function | whose | where | own time |',
    '|---|---|---|---|',
    ...functions.map(({ name, owner, place, self }) => {
      const cells = [`\`${name.replaceAll('|', '\\|')}\``, ownerNames[owner], place, percent(self)];
      return `| ${cells.join(' | ')} |`;
    }),
  ].join('\n');
}

const zeros = (): Record<Owner, number> => ({ slackline: 0, client: 0, package: 0, node: 0 });

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
