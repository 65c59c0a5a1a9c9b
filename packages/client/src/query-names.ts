/** What a client's queries are called: their ids, where they go, and where their answers come. */
import { Subjects } from '@slackline/shared';
import { checked } from './wire.js';

/** How numbers are written in ids and reply subjects. */
const radix = 36;

export class QueryNames {
  readonly #inbox: string;
  /** Ids are this client's inbox and a number: unique, and cheaper than random ones. */
  readonly #idBase: string;
  #nextId = 0;
  /** The model that was asked last: its name has been checked. */
  #lastModel: string | undefined;
  #lastSubject = '';

  /** @param inbox a subject of this client alone */
  constructor(
    private readonly subjects: Subjects,
    inbox: string,
  ) {
    this.#inbox = `${inbox}.`;
    this.#idBase = `${Subjects.lastToken(inbox)}-`;
  }

  /** Where all answers come. */
  get answers(): string {
    return `${this.#inbox}*`;
  }

  /** The id of a query that has `given` or none yet. Throws `wrong_header`. */
  id(given: string | undefined): string {
    return given === undefined ? this.#idBase + (this.#nextId++).toString(radix) : checked('query id', given);
  }

  /** Where queries to `model` go. Throws `wrong_header`. */
  subject(model: string): string {
    if (model !== this.#lastModel) {
      this.#lastSubject = this.subjects.infer(checked('model', model));
      this.#lastModel = model;
    }
    return this.#lastSubject;
  }

  /** Where the answer of the query with this token comes. */
  reply(token: number): string {
    return this.#inbox + token.toString(radix);
  }

  /** The token in a reply subject; NaN where there is none. */
  token(reply: string): number {
    return Number.parseInt(reply.slice(this.#inbox.length), radix);
  }
}
