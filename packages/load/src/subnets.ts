/** Which subnets answered, and how often. */

/** Answers by one subnet of one model. */
export interface SeenSubnet {
  model: string;
  id: string;
  accuracy: number;
  answers: number;
}

export class Subnets {
  readonly #byModel = new Map<string, Map<string, SeenSubnet>>();

  answered(model: string, id: string, accuracy: number): void {
    let ofModel = this.#byModel.get(model);
    if (ofModel === undefined) {
      ofModel = new Map();
      this.#byModel.set(model, ofModel);
    }
    const seen = ofModel.get(id);
    if (seen === undefined) ofModel.set(id, { model, id, accuracy, answers: 1 });
    else seen.answers++;
  }

  /** The least accurate first. */
  all(): SeenSubnet[] {
    const seen = [...this.#byModel.values()].flatMap((ofModel) => [...ofModel.values()]);
    return seen.map((subnet) => ({ ...subnet })).sort((a, b) => a.accuracy - b.accuracy);
  }
}
