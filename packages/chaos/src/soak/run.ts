/**
 * A soak: a system of our own under a mixed load and random faults, with quiet windows before, between and after in which
 * everything must have come back to its level. Runs to its end or until it is told to stop; the verdict is verdict.ts's.
 */
import type { ProcessEvent } from '@slackline/local';
import { acceptedQueries, type Bus, connectBus, SlacklineError, Subjects } from '@slackline/shared';
import { randomLcg } from 'd3-random';
import { type InjectedFault, Injector } from '../inject/injector.js';
import { ProcessProxies } from '../proxy/process-proxies.js';
import { ownTarget } from '../target/own-target.js';
import type { Target } from '../target/target.js';
import { monotonicMs } from '../time.js';
import { Tables } from '../watch/tables.js';
import { type ProcessLife, Watch, type Watched } from '../watch/watch.js';
import { Heaps } from './heap/heaps.js';
import type { Books } from './load/ledger.js';
import { SoakLoad } from './load/load.js';
import { planSoak, type SoakPlan, type SoakRound } from './plan.js';
import { brokerName, type QuietWindow, quiet, type RestParts, untilRest } from './rest.js';
import { sleep } from './sleep.js';
import { type SoakSystem, startSoakSystem } from './system.js';
import { persistent, sparing } from './targets.js';

export interface SoakOptions {
  /** Of load and quiet windows; starting and ending come on top. */
  minutes: number;
  seed: number;
  workers: number;
  schedulers: number;
  ingests: number;
  /** Queries a second in the mean. */
  rate: number;
  /** Producers at a time. */
  producers: number;
  /** Mean time from one fault to the next. */
  everyMs: number;
  logDir?: string;
}

/** What happened in one round, by the producers' books and the stream. */
export interface RoundFigures {
  fromMs: number;
  toMs: number;
  books: Books;
  /** Growth of the last sequences of QUERIES and CLAIMS. */
  accepted: number;
  /** Whether the broker was killed: then answers that it had not passed on yet are lost with it. */
  brokerKilled: boolean;
}

/** A process that ended although nobody had ended it, or not in order. */
export interface BadEnd {
  name: string;
  pid: number;
  atMs: number;
  how: string;
  lastLines: readonly string[];
}

export interface SoakRun {
  options: SoakOptions;
  /** The first round is the warm-up. */
  rounds: RoundFigures[];
  faults: InjectedFault[];
  quiets: QuietWindow[];
  lives: readonly ProcessLife[];
  badEnds: BadEnd[];
  /** Starts that failed while faults were done, and were tried again. */
  failedStarts: BadEnd[];
  complaints: string[];
  producersCame: number;
  /** Of nats-server. */
  natsVersion: string;
  elapsedMs: number;
  /** Names of the processes that there must be. */
  expected: string[];
}

const restLimitMs = 30_000;

/** Throws what starting a system throws, and the reason of `signal`. */
export async function runSoak(
  options: SoakOptions,
  signal: AbortSignal,
  onNote: (text: string) => void = () => {},
): Promise<SoakRun> {
  const plan = planSoak(options.minutes, options.seed, options.everyMs, true);
  const badEnds: BadEnd[] = [];
  const failedStarts: BadEnd[] = [];
  const ready = new Set<number>();
  const startedAtMs = monotonicMs();
  const proxies = new ProcessProxies();
  const heaps = new Heaps();
  let soak: SoakSystem | undefined;
  try {
    soak = await startSoakSystem({
      ...options,
      resultsAgeMs: plan.resultsAgeMs,
      natsUrlOf: proxies.natsUrlOf,
      env: heaps.env,
      signal,
      onEvent: (event) => {
        if (event.kind === 'ready') ready.add(event.pid);
        const bad = badEndOf(event, monotonicMs() - startedAtMs);
        if (bad === undefined) return;
        // A service whose broker is away gives up its start and says so; whoever started it tries again.
        if (ready.has(bad.pid)) badEnds.push(bad);
        else failedStarts.push(bad);
      },
    });
    onNote(`${soak.system.processes().length + 1} processes serve ${soak.models.map(({ name }) => name).join(', ')}`);
    const run = await new Soak(options, plan, soak, { proxies, heaps }, onNote).run(signal);
    return { ...run, badEnds, failedStarts };
  } finally {
    await soak?.stop();
    await proxies.close();
    heaps.close();
  }
}

interface RoundParts {
  load: SoakLoad;
  rest: RestParts;
  target: Target;
}

/** What is there while a soak runs. */
class Soak {
  readonly #rounds: RoundFigures[] = [];
  readonly #faults: InjectedFault[] = [];
  readonly #quiets: QuietWindow[] = [];
  readonly #subjects = new Subjects(process.env.SUBJECT_PREFIX ?? '');

  constructor(
    private readonly options: SoakOptions,
    private readonly plan: SoakPlan,
    private readonly soak: SoakSystem,
    private readonly tools: { proxies: ProcessProxies; heaps: Heaps },
    private readonly onNote: (text: string) => void,
  ) {}

  async run(signal: AbortSignal): Promise<Omit<SoakRun, 'badEnds' | 'failedStarts'>> {
    const { system, models } = this.soak;
    const bus = await connectBus({ url: system.natsUrl, name: 'soak' });
    const { rate, producers, seed } = this.options;
    const expected = this.#processes().map(({ name }) => name);
    const target = persistent(ownTarget(system, { bus, subjects: this.#subjects, proxies: this.tools.proxies }));
    const watch = new Watch({ processes: () => this.#processes() });
    const tables = new Tables(bus, this.#subjects);
    const rest: RestParts = {
      ...{ bus, subjects: this.#subjects, watch, tables },
      heapsOf: (services) => this.tools.heaps.sample(services, (service) => this.#collect(service)),
      workers: this.options.workers,
      limitMs: restLimitMs,
    };
    const load = await SoakLoad.open({
      ...{ natsUrl: system.natsUrl, subjectPrefix: this.#subjects.prefix, models, rate, producers },
      nowMs: () => watch.elapsedMs,
      random: randomLcg(seed + 1),
    });
    try {
      await this.#warmUp(load, rest, signal);
      for (const [index, round] of this.plan.rounds.entries()) {
        await this.#round(index, round, { load, rest, target }, signal);
      }
      signal.throwIfAborted();
      return {
        options: this.options,
        rounds: this.#rounds,
        faults: this.#faults,
        quiets: this.#quiets,
        lives: watch.lives,
        complaints: load.ledger.complaints,
        producersCame: load.came,
        natsVersion: bus.serverVersion,
        elapsedMs: watch.elapsedMs,
        expected,
      };
    } finally {
      watch.stop();
      await load.close();
      await tables.stop();
      await bus.close();
    }
  }

  async #warmUp(load: SoakLoad, rest: RestParts, signal: AbortSignal): Promise<void> {
    this.onNote('warming up');
    await this.#underLoad(load, rest, this.plan.warmUpMs, signal, async () => []);
    this.#quiets.push(await quiet('before', this.plan.quietMs, rest));
  }

  async #round(
    index: number,
    round: SoakRound,
    { load, rest, target }: RoundParts,
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const { rounds, quietMs } = this.plan;
    const isLast = index === rounds.length - 1;
    this.onNote(`round ${index + 1} of ${rounds.length}`);
    const injectors = [
      new Injector(sparing(target), round.ends, this.onNote),
      new Injector(target, round.disturbances, this.onNote),
    ];
    await this.#underLoad(
      load,
      rest,
      round.loadMs,
      signal,
      async (atMs) => {
        const faults = (await Promise.all(injectors.map((injector) => injector.end()))).flat();
        return faults.map((fault) => moved(fault, atMs));
      },
      (startedAtMs) => {
        for (const injector of injectors) injector.start(startedAtMs);
      },
    );
    const emptied = isLast ? [this.#subjects.stores.results] : [];
    const limitMs = restLimitMs + (isLast ? this.plan.resultsAgeMs : 0);
    const window = await quiet(isLast ? 'after' : `after round ${index + 1}`, quietMs, { ...rest, limitMs }, emptied);
    this.#quiets.push(window);
    this.onNote(window.restAfterMs === null ? 'it did not come to rest' : 'at rest');
  }

  /** Sends for `ms`, ends the faults, waits for rest, and closes the books. */
  async #underLoad(
    load: SoakLoad,
    rest: RestParts,
    ms: number,
    signal: AbortSignal,
    endFaults: (startedAtMs: number) => Promise<InjectedFault[]>,
    begin: (startedAtMonotonicMs: number) => void = () => {},
  ): Promise<void> {
    const { watch, bus } = rest;
    const acceptedBefore = await this.#lastSequence(bus);
    const fromMs = watch.elapsedMs;
    load.start();
    begin(monotonicMs());
    await sleep(ms, signal);
    const faults = await endFaults(fromMs);
    await load.pause();
    const toMs = watch.elapsedMs;
    this.#faults.push(...faults);
    // What is un-acked still has to get its outcome.
    await untilRest(rest);
    const accepted = (await this.#lastSequence(bus)) - acceptedBefore;
    const brokerKilled = faults.some(({ planned: { kind, role } }) => role === 'nats' && kind === 'kill');
    this.#rounds.push({ fromMs, toMs, books: await load.books(), accepted, brokerKilled });
  }

  /** The count of everything that was ever accepted. Asked when the broker is back. */
  async #lastSequence(bus: Bus): Promise<number> {
    for (let tries = 0; ; tries++) {
      try {
        return (await acceptedQueries(bus, this.#subjects)).ever;
      } catch (error) {
        if (!(error instanceof SlacklineError) || tries > 20) throw error;
        await sleep(500);
      }
    }
  }

  /** Asks a process to collect its garbage, unless another one has its name by now. */
  #collect({ name, pid }: Watched): void {
    const service = this.soak.system.service(name);
    if (service.pid === pid) service.signal('SIGUSR2');
  }

  #processes() {
    const { system } = this.soak;
    const living = system.processes().filter(({ exit }) => exit === undefined);
    const services = living.map(({ name, pid }) => ({ name, pid }));
    const nats = system.natsServer;
    return nats === undefined ? services : [...services, { name: brokerName, pid: nats.pid }];
  }
}

/** On the soak's clock instead of its round's. */
function moved(fault: InjectedFault, byMs: number): InjectedFault {
  const { atMs, wholeAtMs } = fault;
  return { ...fault, atMs: atMs + byMs, wholeAtMs: wholeAtMs === null ? null : wholeAtMs + byMs };
}

/** Undefined for an end that the soak brought about itself, and that went as it should. */
function badEndOf(event: ProcessEvent, atMs: number): BadEnd | undefined {
  if (event.kind !== 'exited') return undefined;
  const { name, pid, exit, expected, lastLines } = event;
  const wasKilled = exit.signal === 'SIGKILL';
  if (expected ? exit.code === 0 : wasKilled) return undefined;
  const how = expected ? 'did not end in order' : 'ended by itself';
  return { name, pid, atMs, how: `${how} (code ${exit.code}, signal ${exit.signal})`, lastLines: lastLines.slice(-5) };
}
