/**
 * The plan of Proteus (Ahmad et al., ASPLOS'24) as a mixed-integer program: which model variant each device hosts, and how
 * much of each model's demand it serves.
 *
 * The paper has a 0/1 variable per device and variant. Devices of one class that host the same models are interchangeable,
 * so here each such group has one whole number per variant, how many of its devices host it; the solutions are the same, and
 * the program does not grow with the number of devices. Per group g and variant (model m, subnet v):
 *
 *   n[g,m,v]  devices, whole;  f[g,m,v]  queries per second that they serve;  u[m]  queries per second left unserved
 *   maximize  sum of accuracy[m,v] * f[g,m,v] - unservedCost * sum of u[m]
 *   f[g,m,v] <= peak[g,m,v] * n[g,m,v];  sum over m,v of n[g,m,v] <= devices in g;  sum over g,v of f[g,m,v] + u[m] = demand[m]
 *
 * The paper demands that everything be served, and lowers the demand a little and solves again where that is not feasible.
 * With u one solve finds both: leaving a query unserved costs so much more than accuracy can bring that the demand is met
 * where it can be (but for a share of less than the spread of accuracies / unservedCost), and as much of it as possible
 * where it cannot.
 */
import type { LatencyTable } from '../latency-table.js';
import type { MixedIntegerProgram, PlanModel, PlanView, PlanWorker, ProgramRow, ProgramVariable } from '../plan.js';
import type { Conditions } from '../policy.js';

/** What leaving a query unserved costs, in units of accuracy. */
const unservedCost = 100;

/** Workers that are interchangeable: one device class, the same models. */
export interface DeviceGroup {
  readonly workers: readonly PlanWorker[];
}

/** A variant on a group of devices: one n and one f of the program. */
export interface Placement {
  readonly group: number;
  readonly model: string;
  /** Index in the model's table on that device class. */
  readonly subnet: number;
  readonly accuracy: number;
  /** The largest batch that takes at most half of the SLO. */
  readonly batch: number;
  /** Queries per second of one device, in batches of that size. */
  readonly peak: number;
}

/** What the variables of a program stand for: for placement i they are 2i (n) and 2i + 1 (f); those for u follow. */
export interface PlanLayout {
  readonly groups: readonly DeviceGroup[];
  readonly placements: readonly Placement[];
  readonly problem: MixedIntegerProgram;
}

/** A placement that was chosen. */
export interface Placed extends Placement {
  devices: number;
  /** Queries per second. */
  readonly served: number;
}

/**
 * @param demand queries per second to plan for, by model
 * @returns undefined when no worker hosts a model with a table
 */
export function layOut(view: PlanView, demand: ReadonlyMap<string, number>): PlanLayout | undefined {
  const groups = groupsOf(view.workers);
  const placements = groups.flatMap((group, g) => view.models.flatMap((model) => placementsOf(view, group, g, model)));
  if (placements.length === 0) return undefined;
  const variables = placements.flatMap(({ group, accuracy }): ProgramVariable[] => [
    { lower: 0, upper: groups[group]?.workers.length ?? 0, integer: true, objective: 0 },
    { lower: 0, upper: Number.POSITIVE_INFINITY, integer: false, objective: accuracy },
  ]);
  const rows: ProgramRow[] = placements.map(({ peak }, i) => atMost(0, [2 * i + 1, 2 * i], [1, -peak]));
  groups.forEach(({ workers }, g) => {
    const devices = placements.flatMap((each, i) => (each.group === g ? [2 * i] : []));
    if (devices.length > 0) rows.push(atMost(workers.length, devices));
  });
  for (const { model } of view.models) {
    const served = placements.flatMap((each, i) => (each.model === model ? [2 * i + 1] : []));
    if (served.length === 0) continue;
    const wanted = demand.get(model) ?? 0;
    rows.push({ ...atMost(wanted, [...served, variables.length]), lower: wanted });
    variables.push({ lower: 0, upper: wanted, integer: false, objective: -unservedCost });
  }
  return { groups, placements, problem: { sense: 'max', variables, rows } };
}

/** The placements of a solution, with devices that the demand does not need added to them: every device hosts something. */
export function readPlan({ groups, placements }: PlanLayout, values: readonly number[]): Placed[] {
  const placed = placements.map((placement, i): Placed => {
    const served = Math.max(0, values[2 * i + 1] ?? 0);
    // The program does not mind devices that serve nothing.
    const needed = Math.ceil(served / placement.peak - 1e-6);
    return { ...placement, served, devices: Math.min(values[2 * i] ?? 0, needed) };
  });
  groups.forEach(({ workers }, g) => {
    const candidates = placed.filter(({ group }) => group === g);
    let spare = workers.length - candidates.reduce((sum, { devices }) => sum + devices, 0);
    for (; spare > 0; spare -= 1) {
      const next = fullest(candidates);
      if (next !== undefined) next.devices += 1;
    }
  });
  return placed.filter(({ devices }) => devices > 0);
}

/** Where one more device helps most: the placement that is used most, and of those not in use the most accurate. */
function fullest(candidates: readonly Placed[]): Placed | undefined {
  let best: Placed | undefined;
  let most = -1;
  for (const each of candidates) {
    const use = each.devices === 0 ? 0 : each.served / (each.peak * each.devices);
    if (use < most || (use === most && each.accuracy <= (best?.accuracy ?? 0))) continue;
    best = each;
    most = use;
  }
  return best;
}

function groupsOf(workers: readonly PlanWorker[]): DeviceGroup[] {
  const groups = new Map<string, PlanWorker[][]>();
  for (const worker of workers) {
    const ofClass = groups.get(worker.deviceClass) ?? [];
    groups.set(worker.deviceClass, ofClass);
    const group = ofClass.find(([first]) => first !== undefined && isSameSet(first.models, worker.models));
    if (group === undefined) ofClass.push([worker]);
    else group.push(worker);
  }
  return [...groups.values()].flat().map((each) => ({ workers: each }));
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const each of a) if (!b.has(each)) return false;
  return true;
}

function placementsOf(
  { conditions }: PlanView,
  { workers }: DeviceGroup,
  group: number,
  // Nobody can say how long a batch may take while no query has said how long it has: then any size will do.
  { model, tables, sloMs = Number.POSITIVE_INFINITY }: PlanModel,
): Placement[] {
  const [worker] = workers;
  const table = worker?.models.has(model) ? tables.get(worker.deviceClass) : undefined;
  if (table === undefined) return [];
  const all = table.subnets.map(({ accuracy }, subnet) => {
    const { batch, peak } = peakOf(table, subnet, sloMs / 2, conditions);
    return { group, model, subnet, accuracy, batch, peak };
  });
  const inTime = all.filter(({ peak }) => peak > 0);
  if (inTime.length > 0) return inTime;
  // Nothing takes half of the SLO or less: what is fastest is the only thing that may do.
  const [fastest] = all;
  return fastest === undefined ? [] : [{ ...fastest, batch: 1, peak: 1e3 / takesMs(table, 0, 0, conditions) }];
}

/** The largest batch of a subnet within the limit, and what a device carries with it; 0 where none is. */
function peakOf(table: LatencyTable, subnet: number, limitMs: number, conditions: Conditions) {
  for (let b = table.batches.length - 1; b >= 0; b -= 1) {
    const ms = takesMs(table, subnet, b, conditions);
    const batch = table.batches[b] ?? 1;
    if (ms <= limitMs) return { batch, peak: (1e3 * batch) / ms };
  }
  return { batch: 1, peak: 0 };
}

/** How long a device is held by a batch: what was profiled, as serving lately differed from it. */
function takesMs(
  table: LatencyTable,
  subnet: number,
  batchIndex: number,
  { slowdown, overheadMs }: Conditions,
): number {
  return table.at(subnet, batchIndex) * slowdown + overheadMs;
}

function atMost(upper: number, columns: number[], values: number[] = columns.map(() => 1)): ProgramRow {
  return { lower: Number.NEGATIVE_INFINITY, upper, columns, values };
}
