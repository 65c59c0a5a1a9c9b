/** Small charts as SVG text: points and lines over linear or logarithmic axes, with a legend. */
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
export type { Shape } from './marks.js';
