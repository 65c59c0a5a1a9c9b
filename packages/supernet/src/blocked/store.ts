/** Blocked copies of a supernet's shared weights, made once for all of its graphs. */
import { elements, floats, type Tensor } from '../onnx/model.js';
import { type Arena, alignedBytes } from './arena.js';
import { type BlockedWeights, blockedShape, blockInto } from './layout.js';

interface Waiting {
  readonly weights: BlockedWeights;
  readonly source: Tensor;
}

export class BlockedStore {
  private readonly blocked = new Map<string, BlockedWeights>();
  /** Weights that graphs have asked for and that are not blocked yet. */
  private waiting: Waiting[] = [];

  constructor(readonly block: number) {}

  /** The weights of a layer; their values are there after moveTo. */
  get(name: string, source: Tensor, direct: boolean): BlockedWeights {
    const key = `${direct} ${name}`;
    const known = this.blocked.get(key);
    if (known !== undefined) return known;
    const [out = 0, into = 0, ...kernel] = source.dims;
    const weights = blockedShape({ out, into, kernel: elements(kernel) }, this.block, direct);
    this.blocked.set(key, weights);
    this.waiting.push({ weights, source });
    return weights;
  }

  /** What moveTo will take of an arena. */
  get bytes(): number {
    return [...this.blocked.values()].reduce((sum, { floats }) => sum + alignedBytes(floats), 0);
  }

  /** Blocks all weights into the arena, straight from the model, which is not needed any more then. */
  moveTo(arena: Arena): void {
    for (const { weights, source } of this.waiting) {
      weights.values = arena.take(weights.floats);
      blockInto(weights, floats(source));
    }
    this.waiting = [];
  }
}
