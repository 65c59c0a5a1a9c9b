/** The models that queries are accepted for. */
import {
  type Complaints,
  type KeyBucket,
  type ModelEntry,
  rowBytes,
  rowElements,
  SlacklineError,
  type Subjects,
  type Subscription,
  type TensorMetadata,
  watchModels,
} from '@slackline/shared';

/** What admission must know of a model. */
export interface ServedModel {
  name: string;
  /** Where its queries lie in the stream, and those whose bodies the scheduler does not carry. */
  queries: string;
  claims: string;
  input: TensorMetadata;
  /** A body of raw bytes of this length is a row, whatever they are; undefined where they must be looked at. */
  rawRowBytes: number | undefined;
  /** The limit of queries that state none. */
  sloMs: number;
  /** The most accurate subnet: no query can ask for more. */
  best: { id: string; accuracy: number };
}

export class Catalog {
  readonly #models = new Map<string, ServedModel>();

  /** @param mostElements a model whose row has more can have no query: each takes a byte at least, in any form */
  constructor(
    private readonly subjects: Subjects,
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
        if (input !== undefined) this.#serve(entry, input);
      },
      onGone: (name) => {
        this.#models.delete(name);
      },
      onBroken: (model, why) => this.#complain(model, why),
    });
  }

  #serve({ name, sloMs, subnets }: ModelEntry, input: TensorMetadata): void {
    try {
      // An input without a fixed size could not be checked.
      const elements = rowElements(input);
      if (elements > this.mostElements) {
        this.#complain(name, `one row has ${elements} elements, and no message holds more than ${this.mostElements}`);
        return;
      }
      const best = subnets.reduce((most, subnet) => (subnet.accuracy > most.accuracy ? subnet : most));
      // Not every byte is a BOOL.
      const rawRowBytes = input.datatype === 'BOOL' ? undefined : rowBytes(input);
      const { subjects } = this;
      const [queries, claims] = [subjects.queries(name), subjects.claims(name)];
      this.#models.set(name, { name, queries, claims, input, rawRowBytes, sloMs, best });
    } catch (error) {
      if (!(error instanceof SlacklineError)) throw error;
      this.#complain(name, error.message);
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
