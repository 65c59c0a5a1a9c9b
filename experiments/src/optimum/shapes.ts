/**
 * The shapes of the windows: the grids of the SuperServe paper (NSDI'25, section 6), as shares of what the smallest subnet
 * carries. Its eight GPUs carry about 8,000 queries a second on theirs, the upper end of its throughput range.
 */

export type WindowKind = 'quiet' | 'bursty' | 'accelerating';

/** Rates are shares of what the smallest subnet carries. */
export type Cell =
  | { readonly kind: 'quiet'; readonly rate: number }
  | { readonly kind: 'bursty'; readonly base: number; readonly variant: number; readonly cv2: number }
  | {
      readonly kind: 'accelerating';
      readonly from: number;
      readonly to: number;
      readonly cv2: number;
      /** Share of the window during which the rate rises, from its beginning on. */
      readonly ramp: number;
    };

const paperCapacity = 8_000;
const ofPaper = (qps: number) => qps / paperCapacity;

/** Not from the paper, which has no quiet traces. */
const quiet = [0.15, 0.3, 0.45].map((rate) => ({ kind: 'quiet', rate }) as const);

const bursty = [2_950, 4_900, 5_550].flatMap((variant) =>
  [2, 4, 8].map((cv2) => ({ kind: 'bursty', base: ofPaper(1_500), variant: ofPaper(variant), cv2 }) as const),
);

/** The paper's ramps take half a second to twenty: here, a quarter of a window or half of it. */
const accelerating = [4_800, 6_800, 7_800].flatMap((to) =>
  [0.25, 0.5].map((ramp) => ({ kind: 'accelerating', from: ofPaper(2_500), to: ofPaper(to), cv2: 8, ramp }) as const),
);

export const cells: readonly Cell[] = [...quiet, ...bursty, ...accelerating];

/** What a window of this cell has in the mean. */
export function meanLoad(cell: Cell): number {
  switch (cell.kind) {
    case 'quiet':
      return cell.rate;
    case 'bursty':
      return cell.base + cell.variant;
    case 'accelerating':
      return cell.to - (cell.ramp * (cell.to - cell.from)) / 2;
  }
}
