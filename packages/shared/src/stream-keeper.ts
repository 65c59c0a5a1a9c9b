/** Makes sure of the streams, at the start and after every reconnect, and notices when the broker has lost what they held. */
import type { Bus } from './bus/bus.js';
import type { CommonConfig } from './config.js';
import type { Log } from './log.js';
import { ensureStreams, type StreamsConfig } from './streams.js';
import type { Subjects } from './subjects.js';

/** One for the life of a bus: what listens to the bus's status is never taken back. */
export class StreamKeeper {
  /** When each stream of accepted queries was made. */
  #createdAt: ReadonlyMap<string, string> | undefined;
  #ensuring: Promise<void> | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly config: StreamsConfig & Pick<CommonConfig, 'STORAGE' | 'REPLICAS'>,
    private readonly log: Log,
    /** Told whenever the streams are there: those whose accepted queries are gone, because they are others than before. */
    private readonly onSure: (lost: readonly string[]) => void = () => {},
  ) {
    bus.onStatus((status) => {
      if (status !== 'reconnected' || this.#createdAt === undefined) return;
      // Where this fails the broker's clock cannot be read either, which has it tried again.
      this.ensure().catch((error: unknown) => log.warn({ err: error }, 'the streams could not be made sure of'));
    });
  }

  /** Creates the streams where they are not there. Throws what `ensureStreams` throws. */
  ensure(): Promise<void> {
    this.#ensuring ??= this.#ensure().finally(() => {
      this.#ensuring = undefined;
    });
    return this.#ensuring;
  }

  async #ensure(): Promise<void> {
    await ensureStreams(this.bus, this.subjects, this.config);
    const { queries, claims } = this.subjects.stores;
    const before = this.#createdAt;
    const createdAt = new Map<string, string>();
    for (const stream of [queries, claims]) createdAt.set(stream, (await this.bus.streamState(stream)).createdAt);
    this.#createdAt = createdAt;
    const lost = [...createdAt].flatMap(([stream, at]) =>
      before === undefined || before.get(stream) === at ? [] : [stream],
    );
    for (const stream of lost) {
      this.log.error({ stream }, 'the broker has lost a stream of accepted queries, and what waited in it');
    }
    this.onSure(lost);
  }
}
