/**
 * What comes in while the lease is not certain waits here: a leader that was held up reads its messages late, and may act on
 * them once the lease has been renewed. Nobody else can have led in between then. When the term ends they are forgotten.
 */
/** Does `act` with what it is given once the lease is certainly held; never when the term is over. */
export type WhenCurrent = <T>(act: (given: T) => void, given: T) => void;

export class Gate {
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  /** @param isCurrent whether the lease is certainly held at this moment */
  constructor(private readonly isCurrent: () => boolean) {}

  /**
   * Does `act` with what it is given now, or when the lease is certain again, in the order of the calls; never once the gate
   * is closed.
   */
  pass<T>(act: (given: T) => void, given: T): void {
    if (this.#isClosed) return;
    if (this.#waiting.length === 0 && this.isCurrent()) act(given);
    else if (!this.#isClosed) this.#waiting.push(() => act(given));
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
