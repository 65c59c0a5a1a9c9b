/** Blocked copies of a supernet's shared weights, made once for all of its graphs. */
import { elements, floats, type Tensor } from '../onnx/model.js';
import { type Arena, alignedBytes } from './arena.js';
import { type BlockedWeights, blockWeights } from './layout.js';

export class BlockedStore {
  private readonly blocked = new Map<string, BlockedWeights>();

  constructor(readonly block: number) {}

  get(name: string, weight: Tensor, direct: boolean): BlockedWeights {
    const key = `${direct} ${name}`;
    const known = this.blocked.get(key);
    if (known !== undefined) return known;
    const [out = 0, into = 0, ...kernel] = weight.dims;
    const made = blockWeights(floats(weight), { out, into, kernel: elements(kernel) }, this.block, direct);
    this.blocked.set(key, made);
    return made;
  }

  /** What moveTo will take of an arena. */
  get bytes(): number {
    return [...this.blocked.values()].reduce((sum, { values }) => sum + alignedBytes(values.length), 0);
  }

  /** Moves all weights into the arena, where actuation can use its kernel. */
  moveTo(arena: Arena): void {
    for (const weights of this.blocked.values()) {
      const moved = arena.take(weights.values.length);
      moved.set(weights.values);
      weights.values = moved;
    }
  }
}
