/**
 * A flame graph as SVG: every frame is a rectangle as wide as its share of the whole, callees above their caller. Static:
 * what a rectangle is too narrow to say stands in its tooltip.
 */
import { characterWidth } from './legend.js';
import { document, fontAttributes } from './sheet.js';
import { attributes, escaped, text } from './svg.js';

/** A frame with all that it called. */
export interface FlameFrame {
  name: string;
  /** Its own and that of its callees, in any unit; never less than that of its callees together. */
  value: number;
  /** Any CSS colour. */
  color: string;
  /** After name and share in the tooltip, such as where the function is. */
  details?: string;
  callees: readonly FlameFrame[];
}

export interface FlameChart {
  title: string;
  /** Below the title, such as what the width is. */
  subtitle?: string;
  /** The frame that all others are in, drawn at the bottom. */
  root: FlameFrame;
  /** What the colours mean. */
  legend?: readonly { label: string; color: string }[];
  /** In pixels; default 1,200. */
  width?: number;
  /** Frames of a smaller share of the whole are not drawn, nor is what they called; default 0.001. */
  leastShare?: number;
}

const rowHeight = 17;
const [side, foot] = [10, 10];
const headHeight = { title: 34, subtitle: 18, legend: 22 };
/** Names are smaller than the text of the chart's own letters are wide. */
const letterWidth = characterWidth * (11 / 12);
const textRoom = 8;

interface Placed {
  frame: FlameFrame;
  /** Left edge and width as shares of the whole. */
  from: number;
  share: number;
  depth: number;
}

/** The flame graph as a whole SVG document. A root without value gives the title alone. */
export function flameSvg(chart: FlameChart): string {
  const { title, subtitle, legend = [], width = 1_200 } = chart;
  const placed = placedFrames(chart);
  const levels = placed.reduce((most, { depth }) => Math.max(most, depth + 1), 0);
  const head = [text(width / 2, 24, title, 'middle', 'font-size="15" font-weight="600"')];
  let top = headHeight.title;
  if (subtitle !== undefined) {
    head.push(text(width / 2, top + 8, subtitle, 'middle'));
    top += headHeight.subtitle;
  }
  if (legend.length > 0) {
    head.push(...drawnLegend(legend, width, top));
    top += headHeight.legend;
  }
  const height = top + levels * rowHeight + foot;
  const frames = placed.map((each) => drawnFrame(each, width, height - foot));
  return document(width, height, title, [`<g ${fontAttributes}>`, ...head, ...frames, '</g>']);
}

/** Depth first, callees from left to right by their value: the widest stacks stand at the left edge. */
function placedFrames({ root, leastShare = 0.001 }: FlameChart): Placed[] {
  const placed: Placed[] = [];
  const whole = root.value;
  const left: Placed[] = whole > 0 ? [{ frame: root, from: 0, share: 1, depth: 0 }] : [];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    placed.push(next);
    let from = next.from;
    const callees = [...next.frame.callees].sort((a, b) => b.value - a.value);
    for (const frame of callees) {
      const share = frame.value / whole;
      if (share >= leastShare) left.push({ frame, from, share, depth: next.depth + 1 });
      from += share;
    }
  }
  return placed;
}

function drawnFrame({ frame, from, share, depth }: Placed, chartWidth: number, bottom: number): string {
  const inner = chartWidth - 2 * side;
  const [x, y] = [side + from * inner, bottom - (depth + 1) * rowHeight];
  const width = Math.max(0.5, share * inner - 0.5);
  const rect = `<rect ${attributes({ x, y, width, height: rowHeight - 1 })} fill="${frame.color}" rx="1.5"/>`;
  const { name, details } = frame;
  const said = `${name}, ${percent(share)}${details === undefined ? '' : `, ${details}`}`;
  const label = shortened(name, Math.floor((width - textRoom) / letterWidth));
  const written = label === '' ? '' : text(x + 4, y + 12, label, 'start', 'font-size="11"');
  return `<g><title>${escaped(said)}</title>${rect}${written}</g>`;
}

function drawnLegend(legend: NonNullable<FlameChart['legend']>, width: number, top: number): string[] {
  const widths = legend.map(({ label }) => 18 + characterWidth * label.length + 20);
  let x = (width - widths.reduce((sum, each) => sum + each, 0)) / 2;
  return legend.flatMap(({ label, color }, i) => {
    const square = `<rect ${attributes({ x, y: top, width: 12, height: 12 })} fill="${color}" rx="1.5"/>`;
    const written = text(x + 18, top + 10, label, 'start');
    x += widths[i] ?? 0;
    return [square, written];
  });
}

/** Nothing where less than three letters would be left. */
function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  return most < 4 ? '' : `${name.slice(0, most - 1)}…`;
}

const percent = (share: number) => `${(100 * share).toFixed(share < 0.1 ? 2 : 1)} %`;
