/** The models that queries are accepted for. */
import {
  type Complaints,
  type KeyBucket,
  rowElements,
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

  /** @param mostElements a model whose row has more can have no query: each takes a byte at least, in any form */
  constructor(
    private readonly complaints: Complaints,
    private readonly mostElements: number,
  ) {}

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
      onBroken: (model, why) => this.#complain(model, why),
    });
  }

  #serve(model: ServedModel): void {
    try {
      // An input without a fixed size could not be checked.
      const elements = rowElements(model.input);
      if (elements <= this.mostElements) this.#models.set(model.name, model);
      else
        this.#complain(
          model.name,
          `one row has ${elements} elements, and no message holds more than ${this.mostElements}`,
        );
    } catch (error) {
      if (!(error instanceof SlacklineError)) throw error;
      this.#complain(model.name, error.message);
    }
  }

  #complain(model: string, why: string): void {
    this.complaints.warn(
      'model',
      { model: model.slice(0, 64), why: why.slice(0, 500) },
      'this catalog entry cannot be used',
    );
  }
}
