/** Points of a series in a shape of their own, so that colour is not all that tells series apart. */
import { attributes, round } from './svg.js';

export type Shape = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'ring';

/**
 * One point. Filled shapes take the colour of the group they stand in; a ring and a cross are drawn in `color`.
 * @param r half its width, in pixels
 */
export function drawnMark(shape: Shape, cx: number, cy: number, r: number, color: string): string {
  const path = (d: string) => `<path d="${d}"/>`;
  switch (shape) {
    case 'circle':
      return `<circle ${attributes({ cx, cy, r })}/>`;
    case 'ring':
      return `<circle ${attributes({ cx, cy, r: r + 1 })} fill="none" stroke="${color}" stroke-width="1.6"/>`;
    case 'square':
      return `<rect ${attributes({ x: cx - r, y: cy - r, width: 2 * r, height: 2 * r })}/>`;
    case 'triangle':
      return path(`M${at(cx, cy - 1.3 * r)}L${at(cx + 1.2 * r, cy + r)}L${at(cx - 1.2 * r, cy + r)}Z`);
    case 'diamond': {
      const d = 1.4 * r;
      return path(`M${at(cx, cy - d)}L${at(cx + d, cy)}L${at(cx, cy + d)}L${at(cx - d, cy)}Z`);
    }
    case 'cross': {
      const d = `M${at(cx - r, cy - r)}L${at(cx + r, cy + r)}M${at(cx + r, cy - r)}L${at(cx - r, cy + r)}`;
      return `<path d="${d}" fill="none" stroke="${color}" stroke-width="1.8"/>`;
    }
  }
}

function at(x: number, y: number): string {
  return `${round(x)} ${round(y)}`;
}
