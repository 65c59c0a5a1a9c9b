/** What came back to the fuzzer's own inbox, and what is still waited for. */
import type { RawMessage } from './raw-connection.js';

export interface Pending {
  index: number;
  door: string;
  kind: string;
  /** Whether no answer is a failure. */
  must: boolean;
  sentAtMs: number;
}

/** How an answer is called in the report: its error code, its outcome, or `answered`. */
function nameOf({ headers }: RawMessage): string {
  const block = Buffer.from(headers).toString('latin1');
  const code = /^Error-Code: *(\S+)/m.exec(block)?.[1];
  const outcome = /^Outcome: *(\S+)/m.exec(block)?.[1];
  if (/^NATS\/1\.0 503/.test(block)) return 'no_responders';
  return code ?? outcome ?? 'answered';
}

/** A bad name for an error is one that the registry does not have; an answer without words is none. */
export class Answers {
  readonly #pending = new Map<string, Pending>();
  #wake: () => void = () => {};

  constructor(private readonly onAnswer: (pending: Pending, name: string) => void) {}

  get waiting(): number {
    return this.#pending.size;
  }

  /** Those that wait, oldest first. */
  all(): Pending[] {
    return [...this.#pending.values()];
  }

  expect(token: string, pending: Pending): void {
    this.#pending.set(token, pending);
  }

  take(message: RawMessage): void {
    const token = message.subject.slice(message.subject.lastIndexOf('.') + 1);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    this.#pending.delete(token);
    this.onAnswer(pending, nameOf(message));
    this.#wake();
  }

  /** Resolves when at most `most` are waited for, or after `limitMs`. */
  async until(most: number, limitMs: number): Promise<void> {
    const end = performance.now() + limitMs;
    while (this.#pending.size > most && performance.now() < end) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, end - performance.now()));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Forgets all that is waited for. */
  forgetAll(): Pending[] {
    const gone = this.all();
    this.#pending.clear();
    return gone;
  }

  /** Forgets those from which no answer needs to come. */
  forgetOptional(): Pending[] {
    const gone: Pending[] = [];
    for (const [token, pending] of this.#pending) {
      if (pending.must) continue;
      this.#pending.delete(token);
      gone.push(pending);
    }
    return gone;
  }
}
