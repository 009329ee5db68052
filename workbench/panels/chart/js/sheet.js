// All plots and the names of their runs on one sheet, to be kept as a picture.

import { paintPlot } from "./canvas.js";

const EDGE = 12;
const LINE = 20;

/** Where the names of runs are: from left to right, in as many lines as it takes. */
function placeNames(context, runs, width) {
  let [x, y] = [0, 0];
  return runs.map((run) => {
    const needed = context.measureText(run.label).width + 40;
    if (x > 0 && x + needed > width) [x, y] = [0, y + LINE];
    const place = { ...run, x, y };
    x += needed;
    return place;
  });
}

/**
 * Paint a sheet: `begin` returns the context to paint on, of a given size.
 *
 * Plots come with their places; the sheet is as large as they are, and the names below them.
 */
export function paintSheet(measure, places, runs, options, begin) {
  measure.font = options.font;
  const right = Math.max(...places.map(({ left, width }) => left + width));
  const bottom = Math.max(...places.map(({ top, height }) => top + height));
  const names = placeNames(measure, runs, right);
  const lines = names.length ? names[names.length - 1].y / LINE + 1 : 0;
  const [width, height] = [Math.ceil(right) + 2 * EDGE, Math.ceil(bottom) + 2 * EDGE + lines * LINE];
  const context = begin(width, height);
  context.fillStyle = options.paper;
  context.fillRect(0, 0, width, height);
  for (const { plot, left, top, width: wide, height: high, zoomY } of places) {
    context.save();
    context.translate(EDGE + left, EDGE + top);
    paintPlot(context, plot, wide, high, { ...options, zoomY });
    context.restore();
  }
  context.font = options.font;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const { label, colour, dashed, x, y } of names) {
    const [at, middle] = [EDGE + x + 4, EDGE + bottom + 4 + y + LINE / 2];
    context.strokeStyle = colour;
    context.lineWidth = 2.5;
    context.beginPath();
    context.moveTo(at, middle);
    context.lineTo(at + 14, middle);
    context.setLineDash(dashed ? [6, 2] : []);
    context.stroke();
    context.setLineDash([]);
    context.fillStyle = options.strong;
    context.fillText(label, at + 20, middle);
  }
}
