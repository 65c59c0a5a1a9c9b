/** The same counts for each model and class of priority. */
import type { Outcome, Priority } from '@slackline/shared';

/** Queries to one model of one priority class. */
export interface Group {
  model: string;
  priority: Priority;
  published: number;
  refused: number;
  outcomes: Record<Outcome, number>;
  /** Sum of the profile's accuracies over `ok`. */
  accuracySum: number;
}

export class Groups {
  readonly #groups = new Map<string, Group>();

  of(model: string, priority: Priority): Group {
    const key = `${model} ${priority}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const outcomes = { ok: 0, late: 0, expired: 0, failed: 0 };
      group = { model, priority, published: 0, refused: 0, outcomes, accuracySum: 0 };
      this.#groups.set(key, group);
    }
    return group;
  }

  all(): Group[] {
    return [...this.#groups.values()].map((group) => ({ ...group, outcomes: { ...group.outcomes } }));
  }
}
