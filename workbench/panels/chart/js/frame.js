// The frame of a plot: the ranges of its axes, its ticks, and where values are in pixels.

import { after, labelTicks } from "./numbers.js";
import { extent, linearTicks, logTicks, pad, robustRange, shows, widen } from "./scale.js";

const TOP = 27; // the title
const BOTTOM = 24; // the labels of the x axis
const LEFT = 4;

/** The part of a line within a range of x, with a point on either side of it. */
function within(line, [x0, x1]) {
  const from = Math.max(after(line.xs, x0) - 2, 0);
  const to = after(line.xs, x1) + 1;
  if (from === 0 && to >= line.xs.length) return line;
  const part = (values) => values.slice(from, to);
  return { ...line, xs: part(line.xs), ys: part(line.ys), smoothed: line.smoothed && part(line.smoothed) };
}

/** The range of x of all plots together: they are read side by side. */
export function sharedRange(plots) {
  const range = extent(plots.flatMap(({ lines }) => lines.map(({ xs }) => [xs[0], xs[xs.length - 1]])));
  if (!range) return null;
  return range[0] < range[1] ? range : [range[0] - 1, range[1] + 1];
}

/** The values of each run of a plot in a range of x, as one list. */
function valuesByRun(lines, [x0, x1]) {
  const runs = new Map();
  for (const { run, xs, ys } of lines) {
    const inside = ys.slice(after(xs, x0 - 1e-9 * (x1 - x0)), after(xs, x1));
    runs.set(run, [...(runs.get(run) ?? []), ...inside]);
  }
  return [...runs.values()];
}

function yRange(plot, options) {
  if (options.zoomY) return options.zoomY;
  const values = valuesByRun(plot.lines, options.xRange);
  const references = plot.references.map(({ value }) => value);
  const robust = !options.outliers && (plot.noisy || plot.falls);
  const range = robust ? robustRange(values, options.log, plot.falls) : extent(values, options.log);
  if (!range) return null;
  const { log, least } = options;
  return pad(widen(extent([range, references], log), { rises: plot.rises, log, least }), log);
}

/** Everything about a plot in pixels; null while it has nothing to show. */
export function layout(context, width, height, plot, options) {
  const range = options.xRange && yRange(plot, options);
  if (!range) return null;
  const [x0, x1] = options.xRange;
  const [y0, y1] = range;
  const [top, bottom, right] = [TOP, height - BOTTOM, width - 10];
  const yTicks = (options.log ? logTicks : linearTicks)(y0, y1, Math.max(Math.floor((bottom - top) / 28), 3));
  const yLabels = labelTicks(yTicks, plot.unit);
  const widths = yLabels.map((text) => context.measureText(text).width);
  const left = LEFT + Math.ceil(Math.max(...widths, 18)) + 8;
  const all = linearTicks(x0, x1, Math.floor((right - left) / 56));
  const xTicks = options.fraction ? all : all.filter(Number.isInteger);
  const log = (y) => (options.log ? Math.log(y) : y);
  const raise = (y) => (options.log ? Math.exp(y) : y);
  const high = log(y1) - log(y0);
  return {
    ...{ left, right, top, bottom, width, height, xTicks, yTicks, yLabels, y0, y1, x0, x1 },
    xLabels: labelTicks(xTicks),
    lines: plot.lines.map((line) => within(line, options.xRange)),
    toX: (x) => left + ((x - x0) / (x1 - x0)) * (right - left),
    fromX: (pixel) => x0 + ((pixel - left) / (right - left)) * (x1 - x0),
    toY: (y) => bottom - ((log(y) - log(y0)) / high) * (bottom - top),
    fromY: (pixel) => raise(log(y0) + ((bottom - pixel) / (bottom - top)) * high),
    hides: (y) => shows(y, options.log) && (y > y1 ? 1 : y < y0 ? -1 : 0),
  };
}
