/** Makes sure of the streams, at the start and after every reconnect, and notices when the broker has lost what they held. */
import type { Bus } from './bus/bus.js';
import type { CommonConfig } from './config.js';
import type { Log } from './log.js';
import { ensureStreams, type StreamsConfig } from './streams.js';
import type { Subjects } from './subjects.js';

/** One for the life of a bus: what listens to the bus's status is never taken back. */
export class StreamKeeper {
  #createdAt: string | undefined;
  #ensuring: Promise<void> | undefined;

  constructor(
    private readonly bus: Bus,
    private readonly subjects: Subjects,
    private readonly config: StreamsConfig & Pick<CommonConfig, 'STORAGE' | 'REPLICAS'>,
    private readonly log: Log,
    /** Told whenever the streams are there: whether accepted queries are gone, because this stream is another one than before. */
    private readonly onSure: (isLost: boolean) => void = () => {},
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
    const stream = this.subjects.stores.queries;
    const before = this.#createdAt;
    this.#createdAt = (await this.bus.streamState(stream)).createdAt;
    const isLost = before !== undefined && before !== this.#createdAt;
    if (isLost) this.log.error({ stream }, 'the broker has lost the stream of accepted queries, and what waited in it');
    this.onSure(isLost);
  }
}
