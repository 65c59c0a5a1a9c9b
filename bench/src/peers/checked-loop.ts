/** An open-loop producer that sends labelled rows and looks at the answers. */
import type { Sample } from '@slackline/load';
import { type StepAsked, type StepFigures, sloMs } from '../contender.js';
import { OpenLoop } from '../contenders/open-loop.js';

export interface PeerFigures extends StepFigures {
  /** As it was measured for the subnet's profile. */
  readonly accuracy: number;
  readonly checked: number;
  readonly right: number;
  /** Queries that were refused, or whose connection broke. */
  readonly failed: number;
}

export class CheckedLoop {
  readonly #loop: OpenLoop;
  #checked = 0;
  #right = 0;
  #failed = 0;

  /**
   * @param accuracy of the subnet that answers
   * @param send sends a row as the query of this number
   */
  constructor(
    private readonly sample: Sample,
    private readonly accuracy: number,
    send: (number: number, row: Uint8Array) => void,
  ) {
    this.#loop = new OpenLoop((number) => send(number, sample.row(number)));
  }

  /** As `OpenLoop.step`. @param forget whether what earlier steps left can no longer come */
  async step(asked: StepAsked, signal: AbortSignal, forget = false): Promise<PeerFigures> {
    if (forget) this.#loop.forget();
    [this.#checked, this.#right, this.#failed] = [0, 0, 0];
    const figures = await this.#loop.step(asked, signal);
    return {
      ...figures,
      // A query that failed has had its end.
      unended: Math.max(0, figures.unended - this.#failed),
      ...{ accuracy: this.accuracy, checked: this.#checked, right: this.#right, failed: this.#failed },
    };
  }

  /** Query `number` was answered by these logits. */
  answered(number: number, logits: Uint8Array): void {
    const latencyMs = this.#loop.received(number);
    if (latencyMs === undefined || latencyMs > sloMs) return;
    this.#checked++;
    if (largestOf(logits) === this.sample.label(number)) this.#right++;
  }

  failed(): void {
    this.#failed++;
  }
}

/** Index of the largest of little-endian float32 numbers. */
function largestOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [largest, at] = [Number.NEGATIVE_INFINITY, -1];
  for (let i = 0; 4 * i < bytes.length; i++) {
    const value = view.getFloat32(4 * i, true);
    if (value > largest) [largest, at] = [value, i];
  }
  return at;
}
