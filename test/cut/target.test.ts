/** Targets on a real system: one that knows its processes, and one that finds them on the bus. */
import { readFileSync } from 'node:fs';
import { ownTarget, runningTarget, type Target, type Victim } from '@slackline/chaos';
import { Subjects } from '@slackline/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atRest, type CutPlant, startCutPlant, victim } from './system.js';

let plant: CutPlant;
let running: Target;
beforeAll(async () => {
  plant = await startCutPlant({ workers: 2, schedulers: 2 });
  const { bus, subjects, system } = plant;
  running = runningTarget({ bus, subjects, natsUrl: system.natsUrl, limitMs: 500 });
});
afterAll(() => plant?.stop());

const known = (victims: Victim[]) => victims.map(({ name, pid, leads }) => ({ name, pid, leads }));
const state = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];

describe('a system of our own', () => {
  it('has its processes by role, the leader first', async () => {
    const names = async (role: Victim['role']) => (await plant.target.victims(role)).map(({ name }) => name);
    expect(await names('worker')).toEqual(['gpu-worker-0', 'gpu-worker-1']);
    expect(await names('ingest')).toEqual(['ingest-0']);
    expect(await names('nats')).toEqual(['nats-server']);
    const schedulers = await plant.target.victims('scheduler');
    expect(schedulers.map(({ leads }) => leads)).toEqual([true, false]);
  });

  it('has another leader once the leader is killed, and starts the old one again', async () => {
    const leader = await victim(plant, 'scheduler');
    const { pid } = leader;
    await leader.kill();
    const rest = async () => known(await plant.target.victims('scheduler'));
    await expect.poll(rest, { timeout: 10_000 }).toMatchObject([{ leads: true }]);
    expect((await rest())[0]?.name).not.toBe(leader.name);
    await leader.start();
    expect(leader.pid).not.toBe(pid);
    expect(await rest()).toHaveLength(2);
    await leader.start();
    expect(await rest()).toHaveLength(2);
  });

  it('pauses, ends and restarts its broker', async () => {
    const nats = await victim(plant, 'nats');
    nats.pause();
    await expect.poll(() => state(nats.pid)).toBe('T');
    nats.resume();
    await expect.poll(() => state(nats.pid)).not.toBe('T');
    await nats.kill();
    expect(await plant.target.victims('nats')).toEqual([]);
    // Nobody can say who leads now.
    expect((await plant.target.victims('scheduler')).map(({ leads }) => leads)).toEqual([false, false]);
    await nats.start();
    await atRest(plant, 2);
  });

  it('says what it cannot do', async () => {
    const { system, bus, subjects } = plant;
    const bare = ownTarget({ ...system, natsServer: undefined }, { bus, subjects });
    const [worker] = await bare.victims('worker');
    expect(() => worker?.cut({ kind: 'drop' })).toThrow(expect.objectContaining({ code: 'chaos_unsupported' }));
    await expect(bare.victims('nats')).rejects.toMatchObject({ code: 'chaos_unsupported' });
  });
});

describe('a system that runs already', () => {
  it('has the same processes, found on the bus', async () => {
    for (const role of ['worker', 'scheduler', 'ingest'] as const) {
      const byName = (victims: Victim[]) => known(victims).sort((a, b) => a.name.localeCompare(b.name));
      expect(byName(await running.victims(role))).toEqual(byName(await plant.target.victims(role)));
    }
    expect((await running.victims('scheduler')).map(({ leads }) => leads)).toEqual([true, false]);
  });

  it('is paused and ended, but neither started, cut nor robbed of its broker', async () => {
    const found = (await running.victims('worker')).find(({ name }) => name === 'gpu-worker-1');
    if (found === undefined) throw new Error('there is no such worker');
    found.pause();
    await expect.poll(() => state(found.pid)).toBe('T');
    found.resume();
    await found.kill();
    expect((await running.victims('worker')).map(({ name }) => name)).toEqual(['gpu-worker-0']);
    await expect(found.start()).rejects.toMatchObject({ code: 'chaos_unsupported' });
    expect(() => found.cut({ kind: 'reset' })).toThrow(expect.objectContaining({ code: 'chaos_unsupported' }));
    await expect(running.victims('nats')).rejects.toMatchObject({ code: 'chaos_unsupported' });
    await plant.system.start('gpu-worker-1');
    expect(await running.victims('worker')).toHaveLength(2);
  });

  it('is not another deployment on the same broker', async () => {
    const { bus, system } = plant;
    const other = runningTarget({ bus, subjects: new Subjects('other'), natsUrl: system.natsUrl });
    expect(await other.victims('worker')).toEqual([]);
    expect(await other.victims('scheduler')).toEqual([]);
  });
});
