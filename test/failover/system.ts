/** A whole system of real processes and emulated workers, and a producer that writes down everything that it is told. */
import { connect, type RawAnswer, type SlacklineClient } from '@slackline/client';
import { inCheckout, type RunningSystem, type SystemOptions, startSystem } from '@slackline/local';
import { type Bus, batchCommand, batchDone, connectBus, rollCall, Subjects, unpack } from '@slackline/shared';

export const model = 'imagenet';
const deviceClass = 'emulated-v100';
/** A query's body. */
export const row = new Uint8Array(784);

export interface Plant {
  system: RunningSystem;
  subjects: Subjects;
  bus: Bus;
  stop(): Promise<void>;
}

/** Starts it; resolves when it answers. */
export async function startPlant(options: SystemOptions): Promise<Plant> {
  const table = inCheckout(`services/profiler/profiles/${model}.${deviceClass}.json`);
  const system = await startSystem({
    // The workers only wait: nothing is gained by making them wait for a core as well.
    workerNiceness: 0,
    storage: 'file',
    ...options,
    env: {
      ...options.env,
      profiler: { MODELS_DIRS: '', EMULATED_PROFILES: table },
      'gpu-worker': { EXECUTOR: 'emulated', DEVICE_CLASS: deviceClass, ...options.env?.['gpu-worker'] },
    },
  });
  try {
    const bus = await connectBus({ url: system.natsUrl, name: 'test' });
    const stop = async () => {
      await bus.close();
      await system.stop();
    };
    await untilServed(system.natsUrl);
    return { system, bus, subjects: new Subjects(''), stop };
  } catch (error) {
    await system.stop();
    throw error;
  }
}

async function untilServed(url: string): Promise<void> {
  const client = await connect({ url });
  for (;;) {
    const { outcome } = await client.infer(model, row, { sloMs: 1_000 });
    if (outcome === 'ok') break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await client.close();
}

/** The name of the process that holds the lease. */
export async function leaderName({ bus, subjects, system }: Plant): Promise<string> {
  const leader = await bus.keys(subjects.stores.leader, { storage: 'file', replicas: 1 });
  for (;;) {
    const held = await leader.get('scheduler');
    const id = held && JSON.parse(Buffer.from(held.value).toString()).scheduler;
    const found = (await bus.discover(300)).find(({ metadata }) => metadata.schedulerId === id && id !== '');
    const name = system.processes().find(({ pid }) => String(pid) === found?.metadata.pid)?.name;
    if (name !== undefined) return name;
  }
}

/** When a query ended, and how: an outcome, or the code of a refusal. */
export interface End {
  id: string;
  outcome: string;
  atMs: number;
}

/** Sends queries at a steady rate, through our client. Times are those of `performance.now`. */
export class Producer {
  readonly first: End[] = [];
  /** Answers to queries that had one. The client drops them; a raw inbox sees them. */
  readonly second: End[] = [];
  sent = 0;
  readonly #timer: NodeJS.Timeout;
  #dueMs = performance.now();

  private constructor(
    readonly client: SlacklineClient,
    rate: number,
    sloMs: number,
    seconds: End[],
  ) {
    this.second = seconds;
    const onAnswer = (answer: RawAnswer) => {
      const outcome = answer.outcome === 'refused' ? answer.code : answer.outcome;
      this.first.push({ id: answer.queryId, outcome, atMs: performance.now() });
    };
    this.#timer = setInterval(() => {
      for (const nowMs = performance.now(); this.#dueMs <= nowMs; this.#dueMs += 1_000 / rate) {
        this.sent += 1;
        client.send(model, row, { sloMs }, onAnswer);
      }
    }, 2);
  }

  static async start(url: string, load: { rate: number; sloMs: number; graceMs?: number }): Promise<Producer> {
    const second: End[] = [];
    const client = await connect({
      url,
      // What was accepted is answered however slow the machine is; who waits for less would not see it.
      graceMs: load.graceMs ?? 60_000,
      onSecond: ({ queryId = '', outcome }) => second.push({ id: queryId, outcome, atMs: performance.now() }),
    });
    return new Producer(client, load.rate, load.sloMs, second);
  }

  /** Sends no more, and waits for what is due. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    while (this.client.outstanding > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  count(outcome: string): number {
    return this.first.filter((end) => end.outcome === outcome).length;
  }

  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { outcome } of this.first) counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  }
}

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
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  get token(): number {
    return Math.max(0, ...this.commands.slice(-100).map(({ token }) => token));
  }
}

/** p50, p90 and maximum of some times, for a line of output. */
export function distribution(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, max ${at(1)} ms`;
}
