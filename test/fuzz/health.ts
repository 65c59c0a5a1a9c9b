/** Whether the system is as it was: it serves, its processes live and hold no more than before, its books balance. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { canSampleProcesses, levelOf, type Point, Tables, Watch } from '@slackline/chaos';
import { type Answer, SlacklineClient } from '@slackline/client';
import { acceptedQueries, connectBus } from '@slackline/shared';
import type { World } from './world.js';

/** A good query may have to outlast the loss of a lease or of a worker. */
const patienceMs = 15_000;
/** Node takes memory that it need not; what grows without bound passes this. */
const mostGrowthBytes = 96 * 1024 * 1024;
const mostNewDescriptors = 8;
/** Log lines are written once in a few seconds a kind; an input that makes one each time writes more than this. */
const mostLogBytesPerInput = 150;
const logAllowanceBytes = 2_000_000;
const mebi = 1024 * 1024;

export interface ProcessReport {
  name: string;
  /** Medians of the first and the last fifth of the time. */
  firstRssMiB: number | undefined;
  lastRssMiB: number | undefined;
  firstFds: number | undefined;
  lastFds: number | undefined;
}

export interface HealthReport {
  /** Good queries in between, and how many of them were answered `ok`. */
  probes: { asked: number; ok: number; slowestMs: number };
  processes: ProcessReport[];
  /** Growth of the streams of accepted queries since the start, and what became of them. */
  books: { stored: number; ok: number; late: number; expired: number; failed: number; unreadable: number };
  logBytes: number;
}

export class Health {
  #asked = 0;
  #ok = 0;
  #slowestMs = 0;

  private constructor(
    private readonly world: World,
    private readonly client: SlacklineClient,
    private readonly tables: Tables,
    private readonly watch: Watch,
    private readonly storedBefore: number,
  ) {}

  static async open(world: World): Promise<Health> {
    const { system, bus, subjects } = world;
    const client = new SlacklineClient(await connectBus({ url: system.natsUrl, name: 'good producer' }));
    const processes = () => system.processes().map(({ name, pid }) => ({ name, pid }));
    const { ever } = await acceptedQueries(bus, subjects);
    return new Health(world, client, new Tables(bus, subjects), new Watch({ processes }), ever);
  }

  /** Sends a good query. Returns what is wrong with its answer, or undefined. */
  async probe(): Promise<string | undefined> {
    const { model, row } = this.world.facts;
    this.#asked++;
    const answer = await this.#patiently(() => this.client.infer(model, row, { sloMs: patienceMs }));
    this.#slowestMs = Math.max(this.#slowestMs, answer.roundTripMs);
    if (answer.outcome === 'ok') {
      this.#ok++;
      return undefined;
    }
    const why = 'message' in answer ? `: ${answer.message}` : '';
    return `a good query was ${answer.outcome}${why} after ${Math.round(answer.roundTripMs)} ms`;
  }

  /** Comes back as long as it is told to: a forged backlog turns good queries away for a while. */
  async #patiently(ask: () => Promise<Answer>): Promise<Answer> {
    const end = performance.now() + patienceMs;
    for (;;) {
      const answer = await ask();
      const isTurnedAway = 'code' in answer && answer.code === 'overloaded';
      if (!isTurnedAway || performance.now() > end) return answer;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** What is wrong by now; to be asked when all is quiet. */
  async judge(inputs: number): Promise<{ report: HealthReport; wrong: string[] }> {
    this.watch.stop();
    const wrong = [...this.world.deaths];
    const books = await this.#books(wrong);
    const processes = this.#processes(wrong);
    const logBytes = sizeOfFolder(this.world.logDir);
    if (logBytes > logAllowanceBytes + inputs * mostLogBytesPerInput) {
      wrong.push(`the logs have ${(logBytes / mebi).toFixed(1)} MiB after ${inputs} inputs`);
    }
    const probes = { asked: this.#asked, ok: this.#ok, slowestMs: Math.round(this.#slowestMs) };
    return { report: { probes, processes, books, logBytes }, wrong };
  }

  async close(): Promise<void> {
    this.watch.stop();
    await this.tables.stop();
    await this.client.close();
  }

  /** Waits until nothing is held any more: summaries come once a second. */
  async #books(wrong: string[]): Promise<HealthReport['books']> {
    const { bus, subjects } = this.world;
    const end = performance.now() + 90_000;
    for (;;) {
      const { ever, waiting } = await acceptedQueries(bus, subjects);
      const stored = ever - this.storedBefore;
      const { ok = 0, late = 0, expired = 0, failed = 0 } = this.tables.leader?.outcomes ?? {};
      const unreadable = this.tables.leader?.unreadable ?? 0;
      const held = this.tables.sample();
      const isQuiet = waiting === 0 && held.schedulerQueued + held.schedulerInFlight + held.ingestInFlight === 0;
      const isBalanced = stored === ok + late + expired + failed + unreadable;
      if ((isQuiet && isBalanced) || performance.now() > end) {
        const books = { stored, ok, late, expired, failed, unreadable };
        if (!isQuiet) wrong.push(`something is held for ever: ${JSON.stringify({ waiting, ...held })}`);
        if (!isBalanced) wrong.push(`accepted is not the sum of what became of it: ${JSON.stringify(books)}`);
        return books;
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  #processes(wrong: string[]): ProcessReport[] {
    const reports: ProcessReport[] = [];
    for (const { name, samples } of this.watch.lives) {
      const end = samples.at(-1)?.atMs ?? 0;
      const level = (from: number, to: number, of: (sample: (typeof samples)[number]) => number | undefined) => {
        const points = samples.flatMap((sample): Point[] => {
          const value = of(sample);
          return value === undefined ? [] : [[sample.atMs, value]];
        });
        return levelOf(points, end * from, end * to + 1);
      };
      const rss = (from: number, to: number) => {
        const bytes = level(from, to, ({ rssBytes }) => rssBytes);
        return bytes === undefined ? undefined : Math.round(bytes / mebi);
      };
      // The first fifth is still warming up.
      const report: ProcessReport = {
        ...{ name, firstRssMiB: rss(0.2, 0.4), lastRssMiB: rss(0.8, 1) },
        ...{ firstFds: level(0, 0.4, ({ fds }) => fds), lastFds: level(0.8, 1, ({ fds }) => fds) },
      };
      reports.push(report);
      if (!canSampleProcesses) continue;
      const grown = ((report.lastRssMiB ?? 0) - (report.firstRssMiB ?? 0)) * mebi;
      if (grown > mostGrowthBytes) wrong.push(`${name} has grown by ${grown / mebi} MiB`);
      const descriptors = (report.lastFds ?? 0) - (report.firstFds ?? 0);
      if (descriptors > mostNewDescriptors) wrong.push(`${name} holds ${descriptors} more descriptors`);
    }
    return reports;
  }
}

function sizeOfFolder(path: string): number {
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}
