/** Where the tensors of a forward graph stand: in blocks or plain, and how one becomes the other. */
import { SupernetError } from '../errors.js';
import { type Extent, isElastic } from '../extent.js';
import type { Scope } from '../graph-builder.js';
import { int64Tensor } from '../onnx/model.js';
import { channelsOf, type TensorInfo } from '../ops/handler.js';
import type { Supernet } from '../supernet.js';

/** The domain of ONNX Runtime's blocked operators. */
export const NCHWC = 'com.microsoft.nchwc';
/** ReorderInput takes channels in fours. */
export const REORDER_MULTIPLE = 4;

/** A tensor as it stands in the forward graph. */
export interface Placed {
  readonly name: string;
  readonly blocked: boolean;
  /** Plain, but channels may have been filled up to whole blocks. */
  readonly padded: boolean;
}

export function unavailable(reason: string): SupernetError {
  return new SupernetError('blocked-unavailable', `The blocked layout cannot hold this network: ${reason}.`);
}

export class Placement {
  constructor(
    private readonly supernet: Supernet,
    private readonly blockSize: number,
  ) {}

  /** The tensor as it is. */
  placed(tensor: string, scope: Scope<Placed>): Placed {
    const value = scope.value(tensor);
    if (value === undefined) throw unavailable(`${tensor} is read before it is computed`);
    return value;
  }

  isBlocked(tensor: string, scope: Scope<Placed>): boolean {
    return scope.value(tensor)?.blocked ?? false;
  }

  /** The tensor in blocks, converted if it must be. */
  blocked(tensor: string, scope: Scope<Placed>): Placed {
    const value = this.placed(tensor, scope);
    if (value.blocked) return value;
    const channels = channelsOf(this.info(tensor));
    const odd = this.sizes(channels).find((size) => size % REORDER_MULTIPLE !== 0);
    if (odd !== undefined && !value.padded) throw unavailable(`${tensor} can have ${odd} channels`);
    return scope.once(`blocked ${value.name}`, () => {
      const name = scope.add('ReorderInput', [value.name], `${value.name}/blocked`, {}, NCHWC);
      return { name, blocked: true, padded: false };
    });
  }

  /** The tensor in plain layout, converted if it must be. */
  plain(tensor: string, scope: Scope<Placed>): Placed {
    const value = this.placed(tensor, scope);
    return value.blocked ? this.leaveBlocks(value, this.info(tensor), scope) : value;
  }

  /** Takes a blocked tensor of that shape and those channels back to plain layout. */
  leaveBlocks(value: Placed, info: TensorInfo, scope: Scope<Placed>): Placed {
    const channels = channelsOf(info);
    const { dims } = info;
    const [, , height = 1, width = 1] = dims;
    const filled = this.sizes(channels).some((size) => size % this.blockSize !== 0);
    const elastic = isElastic(channels);
    // One pixel: blocks of channels in a row are already the channels in a row.
    if (height * width === 1 && (elastic || !filled)) return { ...value, blocked: false, padded: filled };
    return scope.once(`plain ${value.name}`, () => {
      const name = elastic
        ? this.transpose(value.name, height, width, scope)
        : scope.add('ReorderOutput', [value.name], `${value.name}/plain`, { channels: channels.full }, NCHWC);
      return { name, blocked: false, padded: elastic && filled };
    });
  }

  /** ReorderOutput fixes the number of channels in an attribute; an elastic one needs its plain equivalent. */
  private transpose(blocked: string, height: number, width: number, scope: Scope<Placed>): string {
    const shape = (dims: number[]) => scope.constant(`shape-${dims.join('-')}`, int64Tensor([dims.length], dims));
    const split = scope.add('Reshape', [blocked, shape([0, -1, height, width, this.blockSize])], `${blocked}/split`);
    const turned = scope.add('Transpose', [split], `${blocked}/turned`, { perm: [0, 1, 4, 2, 3] });
    return scope.add('Reshape', [turned, shape([0, -1, height, width])], `${blocked}/plain`);
  }

  info(tensor: string): TensorInfo {
    const info = this.supernet.followed.tensors.get(tensor);
    if (info === undefined) throw unavailable(`nothing is known of ${tensor}`);
    return info;
  }

  private sizes(extent: Extent): readonly number[] {
    const { group, full, per } = extent.parts[0] ?? { group: undefined, full: 1, per: 1 };
    const sizes = group === undefined ? [full / per] : (this.supernet.spec.channels[group]?.sizes ?? []);
    return sizes;
  }
}
