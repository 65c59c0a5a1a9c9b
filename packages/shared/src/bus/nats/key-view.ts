/**
 * What a watcher of a bucket has been shown, so that a watch that is opened anew shows only what changed meanwhile: new
 * revisions, keys that are gone, and those that went with the whole bucket.
 */
import type { KeyChange } from '../bus.js';

export class KeyView {
  /** Each key as it was shown last. */
  readonly #shown = new Map<string, { revision: number; isThere: boolean }>();
  /** Keys that the present listing has named. */
  #listed: Set<string> | undefined;
  #born: string | undefined;
  #lost = false;

  constructor(private readonly onChange: (change: KeyChange) => void) {}

  /** A listing of all that is there begins. `born`: when the bucket was made; another time than before: it was lost. */
  begin(born: string): void {
    if (this.#born !== undefined && this.#born !== born) {
      this.#lost = true;
      // Revisions of one bucket compare with none of another.
      for (const shown of this.#shown.values()) shown.revision = 0;
    }
    this.#born = born;
    this.#listed = new Set();
  }

  entry(key: string, revision: number, value: Uint8Array | undefined): void {
    this.#listed?.add(key);
    if (revision <= (this.#shown.get(key)?.revision ?? 0)) return;
    this.#shown.set(key, { revision, isThere: value !== undefined });
    this.onChange({ key, revision, value });
  }

  /** All that is there was shown: what is known and was not named is gone. */
  end(): void {
    const listed = this.#listed ?? new Set();
    this.#listed = undefined;
    for (const [key, { isThere }] of [...this.#shown]) {
      if (listed.has(key)) continue;
      this.#shown.delete(key);
      if (isThere) this.onChange({ key, revision: 0, value: undefined, ...(this.#lost && { lost: true }) });
    }
    this.#lost = false;
  }
}
