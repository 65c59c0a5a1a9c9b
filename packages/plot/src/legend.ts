/** The legend of a chart: in rows below the axes, where it covers no data. */
import { drawnMark, type Shape } from './marks.js';
import { attributes, text } from './svg.js';

/** What the legend shows of a series. */
export interface LegendItem {
  label: string;
  color: string;
  line: boolean;
  /** Of its points; undefined: it has none. */
  shape: Shape | undefined;
}

interface Entry extends LegendItem {
  /** Left edge, in pixels. */
  left: number;
  row: number;
}

export interface Legend {
  entries: readonly Entry[];
  /** In pixels. */
  height: number;
}

const rowHeight = 17;
/** Of the mark and the gaps around it. */
const markWidth = 46;
/** In the mean, in pixels. */
export const characterWidth = 6.6;

/** Lays items out in rows between `left` and `right`. A single series needs no legend: the title says what it is. */
export function laidOut(items: readonly LegendItem[], left: number, right: number): Legend {
  if (items.length < 2) return { entries: [], height: 0 };
  let [x, row] = [left, 0];
  const entries = items.map((item) => {
    const width = markWidth + characterWidth * item.label.length;
    if (x > left && x + width > right) [x, row] = [left, row + 1];
    const entry = { ...item, left: x, row };
    x += width;
    return entry;
  });
  return { entries, height: (row + 1) * rowHeight };
}

/** @param top upper edge, in pixels */
export function drawnLegend({ entries }: Legend, top: number): string[] {
  return entries.flatMap(({ label, color, line, shape, left, row }) => {
    const y = top + (row + 0.5) * rowHeight;
    const stroke = `<line ${attributes({ x1: left, y1: y, x2: left + 18, y2: y })} stroke="${color}" stroke-width="1.8"/>`;
    const mark = shape === undefined ? [] : [`<g fill="${color}">${drawnMark(shape, left + 9, y, 3, color)}</g>`];
    return [...(line ? [stroke] : []), ...mark, text(left + 24, y + 4, label, 'start')];
  });
}
