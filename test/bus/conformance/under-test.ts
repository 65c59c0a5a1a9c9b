/** The bus that is checked, and what its cases share. */
import type { Bus } from '@slackline/shared';

export interface UnderTest {
  readonly bus: Bus;
  /** Of the broker behind it. */
  readonly url: string;
  /** A name that no other case has. */
  fresh(what: string): string;
}

export const text = (value: string) => new TextEncoder().encode(value);
export const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Collects what a callback is given; `count(n)` resolves with the first n. */
export function collector<T>() {
  const items: T[] = [];
  let waiting: { count: number; resolve: (items: T[]) => void } | undefined;
  return {
    push(item: T) {
      items.push(item);
      if (waiting !== undefined && items.length >= waiting.count) waiting.resolve([...items]);
    },
    count: (count: number) =>
      items.length >= count
        ? Promise.resolve([...items])
        : new Promise<T[]>((resolve) => {
            waiting = { count, resolve };
          }),
  };
}
