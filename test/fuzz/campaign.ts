/** One campaign: inputs, one after the other and many at a time, good queries in between, and what came of all that. */

import { Random } from '../harness/random.js';
import { Answers } from './answers.js';
import { doors as allDoors } from './doors/index.js';
import { Health, type HealthReport } from './health.js';
import type { Door, Input } from './input.js';
import { RawConnection } from './raw-connection.js';
import { ownInbox, startWorld, type World } from './world.js';

export interface CampaignOptions {
  inputs: number;
  seed: number;
  /** Part of a door's name: only those. */
  door?: string;
  /** The first index; those before it are not sent. For a replay of a window of an earlier campaign. */
  from?: number;
  /** Largest message of the broker, in bytes. */
  maxPayloadBytes?: number;
  onProgress?: (text: string) => void;
}

export interface DoorReport {
  door: string;
  rule: string;
  inputs: number;
  /** By error code, outcome, or `silent`. */
  results: Record<string, number>;
}

export interface Failure {
  /** What went wrong. */
  what: string;
  /** For `--replay`: the seed, and the inputs among which it happened. */
  replay: string;
}

export interface CampaignReport extends HealthReport {
  seed: number;
  inputs: number;
  seconds: number;
  doors: DoorReport[];
  failures: Failure[];
}

/** Answers that are waited for at a time. */
const mostWaiting = 128;
/** A good query after so many inputs. */
const probeEvery = 100;
/** No query may be given more time by an ingest. */
const lastAnswersMs = 70_000;
const mostFailures = 10;
const defaultMaxPayload = 1024 * 1024;

/** Runs a campaign against a system of its own. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { onProgress = () => {}, maxPayloadBytes = defaultMaxPayload } = options;
  const world = await startWorld(maxPayloadBytes, onProgress);
  try {
    const campaign = await Campaign.open(world, options);
    return await campaign.run();
  } finally {
    await world.stop();
  }
}

class Campaign {
  readonly #doors: readonly Door[];
  readonly #weight: number;
  readonly #reports = new Map<string, DoorReport>();
  readonly #failures: Failure[] = [];
  readonly #answers: Answers;
  #raw: RawConnection;
  /** A process has died, or so much has failed that there is nothing more to learn. */
  #isOver = false;
  /** The first input since all was well. */
  #suspectFrom = 0;

  private constructor(
    private readonly world: World,
    private readonly health: Health,
    private readonly options: CampaignOptions,
    connection: RawConnection,
    answers: Answers,
  ) {
    this.#raw = connection;
    this.#answers = answers;
    this.#doors = allDoors.filter(({ name }) => name.includes(options.door ?? ''));
    if (this.#doors.length === 0) throw new RangeError(`there is no door called ${options.door}`);
    this.#weight = this.#doors.reduce((sum, { weight }) => sum + weight, 0);
    for (const { name, rule } of this.#doors) this.#reports.set(name, { door: name, rule, inputs: 0, results: {} });
  }

  static async open(world: World, options: CampaignOptions): Promise<Campaign> {
    let campaign: Campaign | undefined;
    const answers = new Answers((pending, name) => campaign?.count(pending.door, name));
    const connection = await connect(world, answers);
    campaign = new Campaign(world, await Health.open(world), options, connection, answers);
    return campaign;
  }

  count(door: string, result: string): void {
    const results = this.#reports.get(door)?.results;
    if (results !== undefined) results[result] = (results[result] ?? 0) + 1;
  }

  async run(): Promise<CampaignReport> {
    const { inputs, seed, from = 0, onProgress = () => {} } = this.options;
    const startedAtMs = performance.now();
    this.#suspectFrom = from;
    try {
      const wrong = await this.health.probe();
      if (wrong !== undefined) throw new Error(`before anything was sent ${wrong}`);
      for (let index = from; index < from + inputs && !this.#isOver; index++) {
        await this.#send(index);
        if ((index - from) % 1_000 === 999) onProgress(this.#progress(index - from + 1, startedAtMs));
      }
      if (!this.#isOver) await this.#lastAnswers(from + inputs - 1);
      const { report, wrong: found } = await this.health.judge(inputs);
      for (const what of found) this.#fail(what, from + inputs - 1);
      const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
      return { seed, inputs, seconds, doors: [...this.#reports.values()], ...report, failures: this.#failures };
    } finally {
      this.#raw.end();
      await this.health.close();
    }
  }

  async #send(index: number): Promise<void> {
    const random = new Random(this.options.seed, index);
    const door = this.#door(random);
    const input = door.draw(random, this.world.facts);
    const report = this.#reports.get(door.name);
    if (report !== undefined) report.inputs++;
    if (input.wire !== undefined) await this.#sendWire(input.wire, index);
    for (const frame of input.frames) this.#sendFrame(frame, door, input, index);
    if (input.answer === 'never') this.count(door.name, 'silent');
    if (!this.#raw.isOpen) await this.#reconnect(index);
    if (this.#answers.waiting > mostWaiting) await this.#answers.until(mostWaiting / 2, 5_000);
    const { settlesMs } = input;
    if (settlesMs !== undefined) await new Promise((resolve) => setTimeout(resolve, settlesMs));
    if (settlesMs !== undefined || index % probeEvery === 0) await this.#probe(index);
  }

  #sendFrame(frame: Input['frames'][number], door: Door, { kind, answer }: Input, index: number): void {
    const { subject, headers, reply } = frame;
    // What is larger would end this connection; the door `the wire itself` tries that on one of its own.
    const data = frame.data.subarray(0, this.world.facts.maxPayloadBytes - (headers?.length ?? 0));
    const token = index.toString(36);
    if (reply === 'inbox' && answer !== 'never') {
      const sentAtMs = performance.now();
      this.#answers.expect(token, { index, door: door.name, kind, must: answer === 'must', sentAtMs });
    }
    const to = reply === 'inbox' ? `${ownInbox}.${token}` : reply;
    this.#raw.publish(subject, data, { ...(to !== undefined && { reply: to }), ...(headers && { headers }) });
  }

  /**
   * The broker ends connections that break its protocol, which is a failure of the fuzzer; and those that do not answer its
   * pings, which on a machine that stands still happens to anybody. What was on the way is lost then, either way.
   */
  async #reconnect(index: number): Promise<void> {
    const said = await this.#raw.closed;
    if (said !== '') this.#fail(`the broker has ended the fuzzer's own connection: ${said}`, index);
    else this.options.onProgress?.(`the fuzzer's connection was lost at input ${index}; it has made another one`);
    for (const { door } of this.#answers.forgetAll()) this.count(door, 'lost with the connection');
    this.#raw = await connect(this.world, this.#answers);
  }

  /** The broker ends that connection, or goes on waiting for the rest of a message; then we end it. */
  async #sendWire(bytes: Uint8Array, index: number): Promise<void> {
    const connection = await RawConnection.open(this.world.system.natsUrl);
    connection.write(bytes);
    const later = new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.race([connection.closed, later]);
    connection.end();
    if (this.world.system.natsServer?.isRunning === false) this.#fail('nats-server has ended', index);
  }

  /** Everything that was sent has arrived; a good query is answered; nobody has died. */
  async #probe(index: number): Promise<void> {
    await this.#raw.flush();
    const wrong = await this.health.probe().catch((error: unknown) => `a good query failed: ${error}`);
    if (wrong !== undefined) this.#fail(wrong, index);
    for (const death of this.world.deaths.splice(0)) {
      this.#fail(death, index);
      this.#isOver = true;
    }
    if (wrong === undefined) this.#suspectFrom = index;
  }

  async #lastAnswers(index: number): Promise<void> {
    for (const { door } of this.#answers.forgetOptional()) this.count(door, 'silent');
    await this.#answers.until(0, lastAnswersMs);
    for (const { door, kind, index: at } of this.#answers.all()) {
      this.count(door, 'unanswered');
      this.#fail(`no answer came: ${door}, ${kind}`, at, at);
    }
    await this.#probe(index);
  }

  #fail(what: string, index: number, from = this.#suspectFrom): void {
    const { seed, door } = this.options;
    const replay = `--replay ${seed}:${from}-${index}${door === undefined ? '' : ` --door '${door}'`}`;
    this.options.onProgress?.(`FAILED (${replay}): ${what}`);
    this.#failures.push({ what, replay });
    this.#isOver ||= this.#failures.length >= mostFailures;
  }

  #door(random: Random): Door {
    let at = random.next() * this.#weight;
    for (const door of this.#doors) {
      at -= door.weight;
      if (at < 0) return door;
    }
    return random.pick(this.#doors);
  }

  #progress(sent: number, startedAtMs: number): string {
    const seconds = (performance.now() - startedAtMs) / 1_000;
    return `${sent} of ${this.options.inputs} inputs, ${Math.round(sent / seconds)} a second, ${this.#failures.length} failures`;
  }
}

async function connect(world: World, answers: Answers): Promise<RawConnection> {
  const connection = await RawConnection.open(world.system.natsUrl, (message) => answers.take(message));
  connection.subscribe(`${ownInbox}.*`);
  await connection.flush();
  return connection;
}
