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
  readonly #byModel = new Map<string, Map<Priority, Group>>();
  readonly #groups: Group[] = [];

  of(model: string, priority: Priority): Group {
    let ofModel = this.#byModel.get(model);
    if (ofModel === undefined) {
      ofModel = new Map();
      this.#byModel.set(model, ofModel);
    }
    let group = ofModel.get(priority);
    if (group === undefined) {
      const outcomes = { ok: 0, late: 0, expired: 0, failed: 0 };
      group = { model, priority, published: 0, refused: 0, outcomes, accuracySum: 0 };
      ofModel.set(priority, group);
      this.#groups.push(group);
    }
    return group;
  }

  /** In the order in which they were seen first. */
  all(): Group[] {
    return this.#groups.map((group) => ({ ...group, outcomes: { ...group.outcomes } }));
  }
}
