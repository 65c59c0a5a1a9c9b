/** What lies behind the series of a chart: shaded stretches of the x axis, and rules across the plot. */
import type { Box, Scale } from './axis.js';
import { attributes, text } from './svg.js';

/** A stretch of the x axis that is shaded over the whole height, with its name at the top. */
export interface Shade {
  from: number;
  to: number;
  label?: string;
  color?: string;
}

/** A dashed line across the plot at one value of an axis, with its name at its end. */
export interface Rule {
  axis: 'x' | 'y';
  at: number;
  label?: string;
  color?: string;
}

const shadeColor = '#8b93a1';
const ruleColor = '#b42318';

/** Shades, clipped to the plot: those of one colour that overlap are one, so that none gets darker than another. */
export function drawnShades(shades: readonly Shade[], box: Box, x: Scale): string[] {
  const clipped = clippedTo(shades, box, x);
  const byColor = new Map<string, Clipped[]>();
  for (const shade of clipped) byColor.set(shade.color, [...(byColor.get(shade.color) ?? []), shade]);
  return [...byColor].flatMap(([color, ofColor]) =>
    united(ofColor).map(({ left, right }) => {
      const place = { x: left, y: box.top, width: right - left, height: box.bottom - box.top };
      return `<rect ${attributes(place)} fill="${color}" fill-opacity="0.14"/>`;
    }),
  );
}

/** The names of shades, to be drawn over the grid. */
export function drawnShadeNames(shades: readonly Shade[], box: Box, x: Scale): string[] {
  return clippedTo(shades, box, x).flatMap(({ left, right, label }) =>
    label === undefined ? [] : [text((left + right) / 2, box.top + 14, label, 'middle', small)],
  );
}

interface Stretch {
  /** In pixels. */
  left: number;
  right: number;
}

interface Clipped extends Stretch {
  label: string | undefined;
  color: string;
}

function clippedTo(shades: readonly Shade[], box: Box, x: Scale): Clipped[] {
  return shades.flatMap(({ from, to, label, color = shadeColor }) => {
    const left = Math.max(box.left, Math.min(x.at(from), x.at(to)));
    const right = Math.min(box.right, Math.max(x.at(from), x.at(to)));
    return right > left ? [{ left, right, label, color }] : [];
  });
}

function united(stretches: readonly Stretch[]): Stretch[] {
  const whole: Stretch[] = [];
  for (const { left, right } of [...stretches].sort((a, b) => a.left - b.left)) {
    const last = whole.at(-1);
    if (last === undefined || left > last.right) whole.push({ left, right });
    else last.right = Math.max(last.right, right);
  }
  return whole;
}

/** Rules within the plot. */
export function drawnRules(rules: readonly Rule[], box: Box, x: Scale, y: Scale): string[] {
  return rules.flatMap(({ axis, at, label, color = ruleColor }) => {
    const place = (axis === 'x' ? x : y).at(at);
    const [low, high] = axis === 'x' ? [box.left, box.right] : [box.top, box.bottom];
    if (!(place >= low && place <= high)) return [];
    const ends =
      axis === 'x'
        ? { x1: place, y1: box.top, x2: place, y2: box.bottom }
        : { x1: box.left, y1: place, x2: box.right, y2: place };
    const line = `<line ${attributes(ends)} stroke="${color}" stroke-width="1.2" stroke-dasharray="5 4"/>`;
    if (label === undefined) return [line];
    const fill = `${small} fill="${color}"`;
    if (axis === 'y') return [line, text(box.right - 4, place - 4, label, 'end', fill)];
    // On the side where there is room for it.
    const isLeft = place < (box.left + box.right) / 2;
    return [line, text(place + (isLeft ? 4 : -4), box.top + 14, label, isLeft ? 'start' : 'end', fill)];
  });
}

const small = 'font-size="11"';
