import { describe, expect, it } from 'vitest';
import type { Role, Target, Victim } from '../target/target.js';
import { persistent, sparing } from './targets.js';

function victim(role: Role, name: string, start: () => Promise<void> = async () => {}): Victim {
  const nothing = async () => {};
  const actions = { kill: nothing, stop: nothing, pause: () => {}, resume: () => {}, cut: () => () => {} };
  return { role, name, pid: 1, leads: false, start, ...actions };
}
const targetOf = (victims: Victim[]): Target => ({ natsUrl: '', victims: async () => victims });
const names = async (target: Target, role: Role) => (await target.victims(role)).map(({ name }) => name);

describe('a soak’s target', () => {
  it('spares the first worker and the first ingest, and no scheduler', async () => {
    const of = (role: Role, kind: string) => sparing(targetOf([victim(role, `${kind}-0`), victim(role, `${kind}-10`)]));
    expect(await names(of('worker', 'gpu-worker'), 'worker')).toEqual(['gpu-worker-10']);
    expect(await names(of('ingest', 'ingest'), 'ingest')).toEqual(['ingest-10']);
    expect(await names(of('scheduler', 'scheduler'), 'scheduler')).toEqual(['scheduler-0', 'scheduler-10']);
  });

  it('starts again what could not start, but not for ever', async () => {
    let tries = 0;
    const failsTwice = async () => {
      tries++;
      if (tries < 3) throw new Error('the broker is away');
    };
    const never = async () => {
      throw new Error('broken');
    };
    const [first, second] = await persistent(
      targetOf([victim('worker', 'gpu-worker-1', failsTwice), victim('worker', 'gpu-worker-2', never)]),
    ).victims('worker');
    await first?.start();
    expect(tries).toBe(3);
    await expect(second?.start()).rejects.toThrow('broken');
  });
});
