/** How many ingests share the queries: those whose summaries were heard lately, this one included. */

/** A summary comes every second. */
const forgetAfterMs = 3_500;

export class Peers {
  readonly #heardAtMs = new Map<string, number>();

  /** @param own the id of this one, which counts whether or not its summary has come back yet */
  constructor(private readonly own: string) {}

  heard(instanceId: string, nowMs: number): void {
    if (instanceId !== this.own) this.#heardAtMs.set(instanceId, nowMs);
    for (const [id, atMs] of this.#heardAtMs) if (nowMs - atMs > forgetAfterMs) this.#heardAtMs.delete(id);
  }

  get count(): number {
    return 1 + this.#heardAtMs.size;
  }
}
