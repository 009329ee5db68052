// Painting curves on a canvas.

import { shows } from "./scale.js";

const DASHES = [6, 3]; // of runs whose colour another run has too
export const BACK = 0.2; // what is in the background

/** Stroke one curve; it breaks where a value is missing or cannot be shown. */
function trace(context, frame, xs, ys, log) {
  context.beginPath();
  let drawing = false;
  for (let i = 0; i < xs.length; i++) {
    if (!shows(ys[i], log)) {
      drawing = false;
      continue;
    }
    context[drawing ? "lineTo" : "moveTo"](frame.toX(xs[i]), frame.toY(ys[i]));
    drawing = true;
  }
  context.stroke();
}

/** What a curve covers of each column of pixels, in stretches without a gap. */
function spans(frame, xs, ys, log) {
  const stretches = [];
  let stretch = null;
  for (let i = 0; i < xs.length; i++) {
    if (!shows(ys[i], log)) {
      stretch = null;
      continue;
    }
    if (!stretch) stretches.push((stretch = []));
    const column = Math.round(frame.toX(xs[i]));
    const y = frame.toY(ys[i]);
    const open = stretch[stretch.length - 1];
    if (open?.column === column) {
      open.top = Math.min(open.top, y);
      open.bottom = Math.max(open.bottom, y);
      open.end = y;
    } else {
      const from = open?.end ?? y;
      stretch.push({ column, top: Math.min(from, y), bottom: Math.max(from, y), end: y });
    }
  }
  return stretches;
}

/**
 * Paint a curve with more points than columns of pixels as the area that its line would cover:
 * the same picture, for a tenth of the work.
 */
function cover(context, frame, xs, ys, log) {
  const half = context.lineWidth / 2;
  context.beginPath();
  for (const stretch of spans(frame, xs, ys, log)) {
    context.moveTo(stretch[0].column - 0.5, stretch[0].top - half);
    // Each column is flat on top and below: a single high point is a bar, not the tip of a needle.
    for (const { column, top } of stretch) {
      context.lineTo(column - 0.5, top - half);
      context.lineTo(column + 0.5, top - half);
    }
    for (const { column, bottom } of stretch.reverse()) {
      context.lineTo(column + 0.5, bottom + half);
      context.lineTo(column - 0.5, bottom + half);
    }
    context.closePath();
  }
  context.fill();
}

/** A dot with a thin ring of paper around it, to be seen on its own line and on others. */
export function dot(context, x, y, size, paper) {
  context.beginPath();
  context.arc(x, y, size, 0, 2 * Math.PI);
  context.fill();
  context.save();
  context.strokeStyle = paper;
  context.lineWidth = 1.25;
  context.stroke();
  context.restore();
}

/** Stroke a smooth curve through the middle of what it covers of each column: a point for each pixel. */
function traceColumns(context, frame, xs, ys, log) {
  context.beginPath();
  for (const stretch of spans(frame, xs, ys, log)) {
    stretch.forEach(({ column, top, bottom }, i) => {
      context[i ? "lineTo" : "moveTo"](column, (top + bottom) / 2);
    });
  }
  context.stroke();
}

function dots(context, frame, { xs, ys }, options, size) {
  for (let i = 0; i < xs.length; i++) {
    if (shows(ys[i], options.log)) dot(context, frame.toX(xs[i]), frame.toY(ys[i]), size, options.paper);
  }
}

/** A run that is evaluated once, such as one that trains nothing, as a level to compare with. */
function level(context, frame, y) {
  context.beginPath();
  context.moveTo(frame.left, frame.toY(y));
  context.lineTo(frame.right, frame.toY(y));
  context.setLineDash([8, 4]);
  context.stroke();
  context.setLineDash([]);
}

/** Stroke a line as its run is drawn: dashed where its colour alone does not tell it apart. */
function dashing(context, { dashed }, stroke) {
  if (dashed) context.setLineDash(DASHES);
  stroke();
  if (dashed) context.setLineDash([]);
}

function paintEvaluations(context, frame, line, options) {
  const { xs, ys, total } = line;
  context.lineWidth = 2.25;
  const single = total === 1 && xs[0] === 0 && shows(ys[0], options.log);
  if (single) level(context, frame, ys[0]);
  else dashing(context, line, () => trace(context, frame, xs, ys, options.log));
  const room = (frame.right - frame.left) / Math.max(xs.length, 1);
  if (room >= 7) dots(context, frame, line, options, room >= 18 ? 3.5 : 2.75);
}

const isDense = ({ xs }, { left, right }) => xs.length > right - left;

function paintRaw(context, frame, line, options) {
  // Of many runs the scatter of each is fainter, or together they would hide the averages.
  context.globalAlpha *= options.faint / Math.sqrt(Math.max(frame.lines.length / 8, 1));
  context.lineWidth = 1;
  (isDense(line, frame) ? cover : trace)(context, frame, line.xs, line.ys, options.log);
}

function paintSteps(context, frame, line, options) {
  const { xs, ys, smoothed } = line;
  context.lineWidth = 1.5;
  const dense = isDense(line, frame);
  const paint = smoothed ? (dense ? traceColumns : trace) : dense ? cover : trace;
  dashing(context, line, () => paint(context, frame, xs, smoothed ?? ys, options.log));
  if (xs.length === 1) dots(context, frame, line, options, 3.25);
}

/**
 * Paint the curves of a plot: what is in the background first, then what scatters, the lines of the
 * steps, and the evaluations above them.
 */
export function paintCurves(context, frame, options) {
  context.save();
  context.beginPath();
  const { left, right, top, bottom, lines } = frame;
  context.rect(left - 4, top - 1, right - left + 8, bottom - top + 2);
  context.clip();
  context.lineJoin = "round";
  const layer = (paint, some) => {
    for (const line of some) {
      context.strokeStyle = context.fillStyle = line.colour;
      context.globalAlpha = line.faded ? BACK : 1;
      paint(context, frame, line, options);
    }
  };
  for (const faded of [true, false]) {
    const mine = lines.filter((line) => line.faded === faded);
    layer(paintRaw, mine.filter(({ smoothed }) => smoothed));
    layer(paintSteps, mine.filter(({ style }) => style !== "points"));
    layer(paintEvaluations, mine.filter(({ style }) => style === "points"));
  }
  context.restore();
}
