// Painting one plot, on a canvas or on what takes the same calls.

import { crisp, paintAxes, paintOutside, paintReferences, paintTitle } from "./axes.js";
import { dot, paintCurves } from "./curves.js";
import { layout } from "./frame.js";
import { nearest } from "./numbers.js";
import { shows } from "./scale.js";

const REACH = 16; // pixels: what is further from the crosshair has no value there

/** A plot that has no points yet. */
function paintWaiting(context, plot, width, height, options) {
  paintTitle(context, plot, width, options);
  context.fillStyle = options.ink;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(plot.waiting, width / 2, height / 2);
}

/** Paint a plot and return its frame; null where it has no points yet. */
export function paintPlot(context, plot, width, height, options) {
  context.font = options.font;
  const frame = layout(context, width, height, plot, options);
  if (!frame) {
    paintWaiting(context, plot, width, height, options);
    return null;
  }
  paintAxes(context, plot, frame, options);
  paintCurves(context, frame, options);
  paintReferences(context, plot, frame, options);
  frame.outside = paintOutside(context, frame, options);
  return frame;
}

/** The point of each line that is nearest to an x, if it is near enough to be read there. */
export function marksAt(frame, x) {
  return frame.lines
    .filter(({ xs }) => xs.length)
    .map((line) => ({ line, i: nearest(line.xs, x) }))
    .map(({ line, i }) => ({ ...line, x: line.xs[i], y: line.ys[i] }))
    .filter((mark) => Math.abs(frame.toX(mark.x) - frame.toX(x)) <= REACH);
}

/** The x of the point that is nearest to a place; the place itself where there is no point. */
export function snap(frame, x) {
  const places = frame.lines.filter(({ xs }) => xs.length).map(({ xs }) => xs[nearest(xs, x)]);
  return places.reduce((best, place) => (Math.abs(place - x) < Math.abs(best - x) ? place : best), places[0] ?? x);
}

/** Mark a place: a rule, and a dot on each curve. */
export function paintCrosshair(context, frame, x, options) {
  const at = frame.toX(x);
  if (at < frame.left - 1 || at > frame.right + 1) return;
  context.strokeStyle = options.ink;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(crisp(at), frame.top);
  context.lineTo(crisp(at), frame.bottom);
  context.stroke();
  for (const { x: place, y, colour, faded } of marksAt(frame, x)) {
    if (!shows(y, options.log) || frame.hides(y) || faded) continue;
    context.fillStyle = colour;
    dot(context, frame.toX(place), frame.toY(y), 4.5, options.paper);
  }
}
