/** How many ingests share the queries: those whose summaries were heard lately, this one included. */

/** A summary comes every second. */
const forgetAfterMs = 3_500;

export class Peers {
  readonly #heardAtMs = new Map<string, number>();

  heard(instanceId: string, nowMs: number): void {
    this.#heardAtMs.set(instanceId, nowMs);
    for (const [id, atMs] of this.#heardAtMs) if (nowMs - atMs > forgetAfterMs) this.#heardAtMs.delete(id);
  }

  /** 1 before any was heard. */
  get count(): number {
    return Math.max(1, this.#heardAtMs.size);
  }
}
