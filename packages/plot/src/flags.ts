/** Names of moments of the x axis: above the plot, where neither a series nor a grid line crosses them. */
import type { Box, Scale } from './axis.js';
import { characterWidth } from './legend.js';
import { attributes, text } from './svg.js';

/** A moment that a dashed line marks, and what it is called. */
export interface Flag {
  at: number;
  label: string;
  color?: string;
}

interface Placed extends Flag {
  /** Of the line, and of the name's left edge, in pixels. */
  x: number;
  left: number;
  /** 0 is next to the plot. */
  row: number;
}

export interface Flags {
  placed: readonly Placed[];
  /** In pixels. */
  height: number;
}

const rowHeight = 14;
const gap = 8;
const defaultColor = '#b42318';

/** Lays names out in as few rows as keep them apart. Moments that lie outside are left out. */
export function placedFlags(flags: readonly Flag[], { left, right }: Pick<Box, 'left' | 'right'>, x: Scale): Flags {
  /** Where each row is free from. */
  const free: number[] = [];
  const placed = [...flags]
    .sort((a, b) => a.at - b.at)
    .flatMap((flag): Placed[] => {
      const at = x.at(flag.at);
      if (!(at >= left && at <= right)) return [];
      const width = characterWidth * flag.label.length;
      const begin = Math.max(left, Math.min(at, right - width));
      const found = free.findIndex((from) => from <= begin);
      const row = found === -1 ? free.length : found;
      free[row] = begin + width + gap;
      return [{ ...flag, x: at, left: begin, row }];
    });
  return { placed, height: free.length * rowHeight };
}

export function drawnFlags({ placed }: Flags, box: Box): string[] {
  return placed.flatMap(({ label, color = defaultColor, x, left, row }) => {
    const line = attributes({ x1: x, y1: box.top, x2: x, y2: box.bottom });
    return [
      `<line ${line} stroke="${color}" stroke-width="1.2" stroke-dasharray="5 4"/>`,
      text(left, box.top - 5 - row * rowHeight, label, 'start', `font-size="11" fill="${color}"`),
    ];
  });
}
