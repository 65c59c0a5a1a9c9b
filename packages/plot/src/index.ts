/** Small pictures as SVG text: points and lines over linear or logarithmic axes, with a legend; and flame graphs. */
export type { Rule, Shade } from './backdrop.js';
export {
  type Axis,
  type Chart,
  type ChartSize,
  type Grid,
  type Mark,
  type Series,
  sideBySide,
  toSvg,
} from './chart.js';
export type { Flag } from './flags.js';
export { type FlameChart, type FlameFrame, flameSvg } from './flame.js';
export type { Shape } from './marks.js';
