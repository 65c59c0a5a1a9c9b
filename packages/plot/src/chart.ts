/** A chart as SVG: axes with ticks and labels, series of points, lines or steps, a legend. Needs no DOM. */
import { type Box, domainOf, type Scale, scaleOf, ticksOf } from './axis.js';
import { drawnRules, drawnShadeNames, drawnShades, type Rule, type Shade } from './backdrop.js';
import { drawnFlags, type Flag, placedFlags } from './flags.js';
import { drawnLegend, type LegendItem, laidOut } from './legend.js';
import { drawnMark, type Shape } from './marks.js';
import { colors, document, fontAttributes } from './sheet.js';
import { attributes, round, text } from './svg.js';

/** How a series is drawn; `steps` holds each value until the next point, as a pareto front does. */
export type Mark = 'points' | 'line' | 'steps' | 'line+points' | 'steps+points';

export interface Series {
  label: string;
  /** [x, y]; points that are not finite, or not positive on a logarithmic axis, are left out. */
  points: readonly (readonly [x: number, y: number])[];
  /** Points unless said otherwise. */
  mark?: Mark;
  /** Any CSS colour; one of a palette that colour-blind people can tell apart unless said otherwise. */
  color?: string;
  /** Drawn small and pale, as a background to the others. */
  faint?: boolean;
  /** Of its points; a circle unless said otherwise. */
  shape?: Shape;
  /** Written beside the points, in their order. */
  names?: readonly string[];
}

export interface Axis {
  /** With its unit. */
  label: string;
  /** Linear unless said otherwise. */
  scale?: 'linear' | 'log';
  /** Bounds; those of the data, widened to round values, unless said otherwise. */
  min?: number;
  max?: number;
  /** What values cannot exceed, as 100 for a percentage: widening ends there. For linear axes. */
  limit?: number;
}

export interface ChartSize {
  /** In pixels. */
  width?: number;
  height?: number;
}

export interface Chart extends ChartSize {
  title: string;
  x: Axis;
  y: Axis;
  series: readonly Series[];
  /** Behind the series. */
  shades?: readonly Shade[];
  rules?: readonly Rule[];
  /** Moments with a name above the plot; the chart gets higher by as many rows as the names need. */
  flags?: readonly Flag[];
  /** Whether it says which series is which; where it does not, a common legend or the names of the points do. Default: yes. */
  legend?: boolean;
}

/** Of the title above several charts. */
const headingHeight = 36;
const big = 'font-size="16" font-weight="600"';
const defaultSize = { width: 640, height: 420 };
const margins = { top: 40, right: 20, bottom: 52, left: 68 };
/** Of an axis's ticks and label below the plot. */
const axisTextHeight = 46;
/** Okabe and Ito's palette. */
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

/** The chart as a whole SVG document. */
export function toSvg(chart: Chart): string {
  const { width, height } = sizeOf(chart);
  return document(width, height, chart.title, [drawn(chart, { x: 0, y: 0 })]);
}

export interface Grid {
  /** Charts in a row; 2 unless said otherwise. */
  columns?: number;
  /** Above all. */
  title?: string;
  /** Says once, below all, which series is which, for charts that have the same ones and no legends of their own. */
  commonLegend?: boolean;
}

/**
 * Several charts in one SVG document. Each column is as wide as the widest chart, each row as high as its highest one.
 * @param grid or the number of columns
 */
export function sideBySide(charts: readonly Chart[], grid: number | Grid = {}): string {
  const { columns = 2, commonLegend = false, title: heading } = typeof grid === 'number' ? { columns: grid } : grid;
  const sizes = charts.map(sizeOf);
  const width = Math.max(...sizes.map((size) => size.width));
  let bottom = heading === undefined ? 0 : headingHeight;
  const parts: string[] = [];
  for (let first = 0; first < charts.length; first += columns) {
    const row = charts.slice(first, first + columns);
    parts.push(...row.map((chart, i) => drawn(chart, { x: i * width, y: bottom })));
    bottom += Math.max(...sizes.slice(first, first + columns).map((size) => size.height));
  }
  const title = heading ?? charts.map((chart) => chart.title).join('; ');
  const whole = width * Math.min(columns, charts.length);
  if (heading !== undefined) parts.unshift(`<g ${fontAttributes}>${text(whole / 2, 26, heading, 'middle', big)}</g>`);
  if (!commonLegend) return document(whole, bottom, title, parts);
  const legend = laidOut(allItems(charts), margins.left, whole - margins.right);
  const drawnItems = `<g ${fontAttributes}>\n${drawnLegend(legend, bottom).join('\n')}\n</g>`;
  return document(whole, bottom + legend.height + 10, title, [...parts, drawnItems]);
}

/** Of all charts' series, those of one label once. */
function allItems(charts: readonly Chart[]): LegendItem[] {
  const items = charts.flatMap((chart) => chart.series.map(legendItem));
  return items.filter(({ label }, i) => items.findIndex((item) => item.label === label) === i);
}

/** With the names above its plot. */
function sizeOf(chart: Chart): { width: number; height: number } {
  const { width, height } = { ...defaultSize, ...chart };
  return { width, height: height + acrossOf(chart).flags.height };
}

/** What lies along the x axis. */
function acrossOf(chart: Chart) {
  const { width } = { ...defaultSize, ...chart };
  const [left, right] = [margins.left, width - margins.right];
  const x = scaleOf(chart.x, domainIn(chart, 'x'), [left, right]);
  return { left, right, x, flags: placedFlags(chart.flags ?? [], { left, right }, x) };
}

function domainIn(chart: Chart, axis: 'x' | 'y'): [number, number] {
  const values = chart.series.flatMap(({ points }) => points.map(([x, y]) => (axis === 'x' ? x : y)));
  return domainOf(chart[axis], values);
}

/** @param at where its upper left corner lies, in pixels */
function drawn(chart: Chart, at: { x: number; y: number }): string {
  const { width, height } = sizeOf(chart);
  const { left, right, x, flags } = acrossOf(chart);
  const items = chart.legend === false ? [] : chart.series.map(legendItem);
  const legend = laidOut(items, left, right);
  const box: Box = { left, right, top: margins.top + flags.height, bottom: height - margins.bottom - legend.height };
  const y = scaleOf(chart.y, domainIn(chart, 'y'), [box.bottom, box.top]);
  return [
    `<g transform="translate(${at.x} ${at.y})" ${fontAttributes}>`,
    text(width / 2, 22, chart.title, 'middle', 'font-size="15" font-weight="600"'),
    ...drawnShades(chart.shades ?? [], box, x),
    ...axes(chart, box, x, y),
    ...drawnShadeNames(chart.shades ?? [], box, x),
    ...drawnRules(chart.rules ?? [], box, x, y),
    ...drawnFlags(flags, box),
    ...chart.series.flatMap((series, i) => plotted(series, colorOf(series, i), x, y)),
    ...drawnLegend(legend, box.bottom + axisTextHeight),
    '</g>',
  ].join('\n');
}

function axes(chart: Chart, box: Box, x: Scale, y: Scale): string[] {
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    `<line ${attributes({ x1, y1, x2, y2 })} stroke="${colors.grid}"/>`;
  const middle = (box.top + box.bottom) / 2;
  return [
    ...ticksOf(x).flatMap(({ at, label }) => [
      line(at, box.top, at, box.bottom),
      text(at, box.bottom + 18, label, 'middle'),
    ]),
    ...ticksOf(y).flatMap(({ at, label }) => [
      line(box.left, at, box.right, at),
      text(box.left - 8, at + 4, label, 'end'),
    ]),
    `<rect ${attributes({ x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top })} fill="none" stroke="${colors.text}"/>`,
    text((box.left + box.right) / 2, box.bottom + 40, chart.x.label, 'middle'),
    text(0, 0, chart.y.label, 'middle', `transform="translate(18 ${round(middle)}) rotate(-90)"`),
  ];
}

function plotted(series: Series, color: string, x: Scale, y: Scale): string[] {
  const mark = series.mark ?? 'points';
  const points = series.points
    .map(([a, b], i): [number, number, string] => [x.at(a), y.at(b), series.names?.[i] ?? ''])
    .filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b));
  const parts: string[] = [];
  if (mark !== 'points' && points.length > 0) {
    const path = points.map(([a, b], i) => {
      if (i === 0) return `M${round(a)} ${round(b)}`;
      return mark.startsWith('steps') ? `H${round(a)}V${round(b)}` : `L${round(a)} ${round(b)}`;
    });
    const width = series.faint === true ? 1 : 1.8;
    parts.push(`<path d="${path.join('')}" fill="none" stroke="${color}" stroke-width="${width}"/>`);
  }
  // One point makes no line.
  if (mark.endsWith('points') || points.length === 1) {
    const [r, opacity] = series.faint === true ? [1.8, 0.45] : [3, 0.9];
    const marks = points.map(([cx, cy]) => drawnMark(series.shape ?? 'circle', cx, cy, r, color));
    parts.push(`<g fill="${color}" fill-opacity="${opacity}">`, ...marks, '</g>');
  }
  for (const [a, b, name] of points) {
    if (name !== '') parts.push(text(a + 7, b - 5, name, 'start', `font-size="11" fill="${color}"`));
  }
  return parts;
}

function legendItem(series: Series, index: number): LegendItem {
  const mark = series.mark ?? 'points';
  return {
    label: series.label,
    color: colorOf(series, index),
    line: mark !== 'points',
    shape: mark.endsWith('points') ? (series.shape ?? 'circle') : undefined,
  };
}

function colorOf(series: Series, index: number): string {
  return series.color ?? palette[index % palette.length] ?? colors.text;
}
