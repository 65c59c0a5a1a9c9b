/** What a pool can bear by its latency profile, before and after its losses: arithmetic for the report. */
import { counted } from '@slackline/chaos';
import type { LatencyProfile } from '@slackline/shared';

type Subnet = LatencyProfile['subnets'][number];

/** The best that a worker can do on a subnet: the batch with the most queries a second of those that fit the limit at all. */
function bestBatch({ batches }: LatencyProfile, { p50Ms }: Subnet, sloMs: number) {
  const all = batches.map((batch, i) => ({ batch, ms: p50Ms[i] ?? Number.POSITIVE_INFINITY }));
  const fitting = all.filter(({ ms }) => ms <= sloMs);
  return fitting.reduce((a, b) => (b.batch / b.ms > a.batch / a.ms ? b : a), fitting[0] ?? { batch: 0, ms: 1 });
}

/** Sentences on what `workers` and `left` of them bear of `rate` on the largest and on the smallest subnet. */
export function capacityNotes(
  profile: LatencyProfile,
  { sloMs, workers, left, rate }: { sloMs: number; workers: number; left: number; rate: number },
): string[] {
  const [smallest, largest] = [profile.subnets[0], profile.subnets.at(-1)];
  if (smallest === undefined || largest === undefined) return [];
  const said = (subnet: Subnet, count: number) => {
    const { batch, ms } = bestBatch(profile, subnet, sloMs);
    const borne = (count * batch * 1_000) / ms;
    const held = borne >= rate ? 'enough for' : 'less than';
    return (
      `${counted(count, 'worker')} on ${subnet.id} ${count === 1 ? 'bears' : 'bear'} at most ${Math.round(borne)} queries a second ` +
      `(${count} × ${batch} in ${Number(ms.toFixed(1))} ms, the best batch within ${Number(sloMs.toFixed(1))} ms): ${held} the load of ${Math.round(rate)}`
    );
  };
  const lines = [said(largest, workers)];
  if (left < workers) lines.push(said(largest, left), said(smallest, left));
  return [`By the latency profile ${lines.join('; ')}.`];
}
