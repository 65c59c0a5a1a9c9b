/** Small charts as SVG text: points and lines over linear or logarithmic axes, with a legend. */
export { type Axis, type Chart, type ChartSize, type Mark, type Series, sideBySide, toSvg } from './chart.js';
