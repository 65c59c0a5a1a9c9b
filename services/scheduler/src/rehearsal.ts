/**
 * Decisions before the first query: traffic from little to far too much, in simulated time.
 *
 * A good part of what decides is first needed when queries pile up: whole heaps, expiry, the look at what is overloaded. Where that
 * happens for the first time under load, V8 throws away the optimised code of all that decides, as it was made without that
 * part, and compiles it anew for up to half a second of a core: in the middle of the first burst. Rehearsed, it is
 * known before there is code to throw away.
 */
import { createPolicy, LatencyTable } from '@slackline/scheduling';
import { simulate } from '@slackline/simulator';

const subnets = [
  { id: 'small', accuracy: 0.7 },
  { id: 'medium', accuracy: 0.78 },
  { id: 'large', accuracy: 0.8 },
];
const batches = [1, 2, 4, 8, 16];
/** Like that of a supernet: batching pays, and accuracy costs time. */
const latencyMs = [
  [1.3, 1.7, 2.6, 4.5, 8.1],
  [2.5, 3.5, 5.5, 9.5, 17],
  [4, 6, 10, 17, 31],
];
/** With what slow batches take: a choice is guarded against them. */
const tail = new LatencyTable(
  subnets,
  batches,
  latencyMs.map((row) => row.map((ms) => 1.2 * ms)),
);
const table = new LatencyTable(subnets, batches, latencyMs, tail);
const workers = 8;
const sloMs = 36;
/** Per millisecond: what the largest subnet carries one by one, about what the smallest carries, and more than anything carries. */
const rates = [2, 12, 20] as const;
/** Of simulated time for each. */
const durationMs = 150;

/**
 * Takes about a tenth of a second.
 *
 * @param policy by its name
 * @returns how many queries were given up, that is, whether it was a rehearsal of too much
 */
export function rehearseDecisions(policy: string): number {
  let expired = 0;
  for (const rate of rates) {
    const arrivalsMs = Float64Array.from({ length: rate * durationMs }, (_, i) => i / rate);
    expired += simulate({
      trace: { arrivalsMs, durationMs },
      models: [{ name: 'rehearsal', sloMs, tables: { any: table } }],
      workers: [{ count: workers, deviceClass: 'any' }],
      policy: createPolicy(policy),
      conditions: 'estimated',
      busDelayMs: 1,
      sendsAhead: true,
    }).expired;
  }
  return expired;
}
