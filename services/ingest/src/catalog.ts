/** The models that queries are accepted for. */
import {
  type KeyBucket,
  type Log,
  rowBytes,
  SlacklineError,
  type Subscription,
  type TensorMetadata,
  watchModels,
} from '@slackline/shared';

/** What admission must know of a model. */
export interface ServedModel {
  name: string;
  input: TensorMetadata;
  /** The limit of queries that state none. */
  sloMs: number;
  /** The most accurate subnet: no query can ask for more. */
  best: { id: string; accuracy: number };
}

export class Catalog {
  readonly #models = new Map<string, ServedModel>();

  constructor(private readonly log: Log) {}

  get(name: string): ServedModel | undefined {
    return this.#models.get(name);
  }

  get size(): number {
    return this.#models.size;
  }

  /** Follows the bucket. Resolves when every model that is there is known. */
  follow(profiles: KeyBucket): Promise<Subscription> {
    return watchModels(profiles, {
      onServed: (entry) => {
        const [input] = entry.inputs;
        const { name, sloMs, subnets } = entry;
        const best = subnets.reduce((most, subnet) => (subnet.accuracy > most.accuracy ? subnet : most));
        if (input !== undefined) this.#serve({ name, input, sloMs, best });
      },
      onGone: (name) => {
        this.#models.delete(name);
      },
      onBroken: (name, reason) => this.log.error({ model: name, reason }, 'this catalog entry cannot be read'),
    });
  }

  #serve(model: ServedModel): void {
    try {
      // An input without a fixed size could not be checked.
      rowBytes(model.input);
    } catch (error) {
      if (!(error instanceof SlacklineError)) throw error;
      this.log.error({ model: model.name, code: error.code }, error.message);
      return;
    }
    this.#models.set(model.name, model);
  }
}
