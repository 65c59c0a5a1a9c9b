/** Listens to what schedulers and workers say to each other. */
import { setTimeout as delay } from 'node:timers/promises';
import { batchCommand, batchDone, rollCall, unpack } from '@slackline/shared';
import type { Plant } from './plant.js';

/** What goes over the bus between schedulers and workers. */
export class Spy {
  readonly commands: { token: number; batchId: string; atMs: number; sequences: number[] }[] = [];
  readonly done: { token: number; batchId: string; isRefused: boolean; atMs: number }[] = [];
  readonly rollCalls: { token: number; atMs: number }[] = [];

  static async listen({ bus, subjects }: Pick<Plant, 'bus' | 'subjects'>): Promise<Spy> {
    const spy = new Spy();
    bus.subscribe(subjects.batch('*'), ({ data }) => {
      const { token, batchId, queries } = unpack('batch', batchCommand, data);
      const sequences = queries.map(({ sequence }) => sequence);
      spy.commands.push({ token, batchId, sequences, atMs: performance.now() });
    });
    bus.subscribe(subjects.batchesDone, ({ data }) => {
      const { token, batchId, answers } = unpack('done', batchDone, data);
      spy.done.push({ token, batchId, isRefused: !Array.isArray(answers), atMs: performance.now() });
    });
    bus.subscribe(subjects.rollCall, ({ data }) => {
      spy.rollCalls.push({ ...unpack('roll call', rollCall, data), atMs: performance.now() });
    });
    await bus.flush();
    return spy;
  }

  /** The first batch that came back under a larger token than `token`. */
  async doneAfter(token: number): Promise<{ token: number; atMs: number }> {
    for (;;) {
      const found = this.done.find((done) => done.token > token && !done.isRefused);
      if (found !== undefined) return found;
      await delay(5);
    }
  }

  get token(): number {
    return Math.max(0, ...this.commands.slice(-100).map(({ token }) => token));
  }
}
