/**
 * What comes in while the lease is not certain waits here: a leader that was held up reads its messages late, and may act on
 * them once the lease has been renewed. Nobody else can have led in between then. When the term ends they are forgotten.
 */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  /** @param isCurrent whether the lease is certainly held at this moment */
  constructor(private readonly isCurrent: () => boolean) {}

  /** Does `act` now, or when the lease is certain again, in the order of the calls; never once the gate is closed. */
  pass(act: () => void): void {
    if (this.#isClosed) return;
    if (this.#waiting.length === 0 && this.isCurrent()) act();
    else if (!this.#isClosed) this.#waiting.push(act);
  }

  /** The lease has been renewed. */
  open(): void {
    let act = this.#waiting[0];
    while (act !== undefined && !this.#isClosed && this.isCurrent()) {
      this.#waiting.shift();
      act();
      act = this.#waiting[0];
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting.length = 0;
  }
}
