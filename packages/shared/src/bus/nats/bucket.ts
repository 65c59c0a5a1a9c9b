/** A bucket of either kind. One that went with the broker's memory is made again by whoever next uses it. */
import { hasCode } from '../../errors.js';
import type { JetStreamManager } from './client.js';
import { isMissing, translate, translated } from './errors.js';

export class Bucket<T> {
  constructor(
    private view: T,
    private readonly open: () => Promise<T>,
  ) {}

  /** `what` begins the sentence of an error. */
  async use<R>(what: string, call: (view: T) => Promise<R>): Promise<R> {
    return this.#againIf(isMissing, what, call);
  }

  /** As `use`, for what may be done twice: servers before 2.10 say nothing to a read from a bucket that is not there. */
  async read<R>(what: string, call: (view: T) => Promise<R>): Promise<R> {
    return this.#againIf((error) => isMissing(error) || hasCode(translate(error, what), 'timeout'), what, call);
  }

  async #againIf<R>(isWorthIt: (error: unknown) => boolean, what: string, call: (view: T) => Promise<R>): Promise<R> {
    try {
      return await call(this.view);
    } catch (error) {
      if (!isWorthIt(error)) throw translate(error, what);
      return await translated(what, this.reopen().then(call));
    }
  }

  async reopen(): Promise<T> {
    this.view = await this.open();
    return this.view;
  }
}

/** The stream of a bucket gets more copies, where it was made by somebody who knew of fewer. */
export async function replicate(manager: JetStreamManager, stream: string, replicas: number): Promise<void> {
  const { config } = await manager.streams.info(stream);
  if (config.num_replicas < replicas) await manager.streams.update(stream, { num_replicas: replicas });
}
