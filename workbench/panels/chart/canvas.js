// Painting: axes, curves and the crosshair on one canvas.

import { extent, labelTicks, linearTicks, logTicks, pad, smooth } from "./scale.js";

/** Everything that is painted, in pixels; null while there is nothing to paint. */
export function layout(context, width, height, lines, options) {
  const xRange = extent(lines.map(({ xs }) => xs), false);
  const yRange = extent(lines.map(({ ys }) => ys), options.log);
  if (!xRange || !yRange) return null;
  const [x0, x1] = xRange[0] < xRange[1] ? xRange : [xRange[0] - 1, xRange[1] + 1];
  const [y0, y1] = pad(yRange, options.log);
  const top = 34; // below the name of the axis, and the buttons
  const bottom = height - 34;
  const yTicks = (options.log ? logTicks : linearTicks)(y0, y1, Math.floor((bottom - top) / 42));
  const yLabels = labelTicks(yTicks);
  const widths = yLabels.map((text) => context.measureText(text).width);
  const left = Math.ceil(Math.max(...widths, 20)) + 14;
  const right = width - 16;
  const whole = linearTicks(x0, x1, Math.floor((right - left) / 80));
  const xTicks = options.fraction ? whole : whole.filter(Number.isInteger);
  const toY = options.log
    ? (y) => bottom - (Math.log(y / y0) / Math.log(y1 / y0)) * (bottom - top)
    : (y) => bottom - ((y - y0) / (y1 - y0)) * (bottom - top);
  return {
    ...{ left, right, top, bottom, xTicks, yTicks, yLabels, toY },
    xLabels: labelTicks(xTicks),
    toX: (x) => left + ((x - x0) / (x1 - x0)) * (right - left),
    fromX: (pixel) => x0 + ((pixel - left) / (right - left)) * (x1 - x0),
  };
}

const crisp = (pixel) => Math.round(pixel) + 0.5;

export function paintAxes(context, frame, options) {
  const { left, right, top, bottom } = frame;
  context.lineWidth = 1;
  context.fillStyle = options.ink;
  context.strokeStyle = options.grid;
  context.beginPath();
  frame.yTicks.forEach((tick) => {
    context.moveTo(left, crisp(frame.toY(tick)));
    context.lineTo(right, crisp(frame.toY(tick)));
  });
  frame.xTicks.forEach((tick) => {
    context.moveTo(crisp(frame.toX(tick)), top);
    context.lineTo(crisp(frame.toX(tick)), bottom);
  });
  context.stroke();
  context.textBaseline = "middle";
  context.textAlign = "right";
  frame.yTicks.forEach((tick, i) => context.fillText(frame.yLabels[i], left - 8, frame.toY(tick)));
  context.textBaseline = "top";
  frame.xTicks.forEach((tick, i) => {
    const half = context.measureText(frame.xLabels[i]).width / 2;
    const x = Math.min(Math.max(frame.toX(tick), half), right + 14 - half);
    context.textAlign = "center";
    context.fillText(frame.xLabels[i], x, bottom + 6);
  });
  context.fillStyle = options.strong;
  context.textAlign = "left";
  context.fillText(options.yLabel, 2, 7);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillText(options.xLabel, right, bottom + 34);
  context.fillStyle = options.ink;
  context.textAlign = "left";
  context.fillText(options.note, 2, bottom + 34);
}

const shows = (y, log) => Number.isFinite(y) && (!log || y > 0);

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

function dots(context, frame, xs, ys, log, size) {
  for (let i = 0; i < xs.length; i++) {
    if (!shows(ys[i], log)) continue;
    context.beginPath();
    context.arc(frame.toX(xs[i]), frame.toY(ys[i]), size, 0, 2 * Math.PI);
    context.fill();
  }
}

export function paintLine(context, frame, line, options) {
  const { xs, ys, style, colour, faded } = line;
  context.save();
  context.beginPath();
  const { left, right, top, bottom } = frame;
  context.rect(left - 4, top - 4, right - left + 8, bottom - top + 8);
  context.clip();
  context.strokeStyle = context.fillStyle = colour;
  context.lineJoin = "round";
  context.lineWidth = 1.75;
  const strength = faded ? 0.2 : 1;
  const draw = xs.length > right - left ? cover : trace;
  context.globalAlpha = strength;
  if (style === "points") {
    context.setLineDash([6, 4]);
    trace(context, frame, xs, ys, options.log);
    const room = (right - left) / Math.max(xs.length, 1);
    if (room >= 5) dots(context, frame, xs, ys, options.log, 3.25);
  } else if (options.smoothing && xs.length > 1) {
    context.globalAlpha = strength * 0.28;
    context.lineWidth = 1;
    draw(context, frame, xs, ys, options.log);
    context.globalAlpha = strength;
    context.lineWidth = 2;
    draw(context, frame, xs, smooth(xs, ys, options.smoothing), options.log);
  } else {
    draw(context, frame, xs, ys, options.log);
  }
  if (xs.length === 1) dots(context, frame, xs, ys, options.log, 3.25);
  context.restore();
}

/** Mark one step: a rule, and a ringed dot on each curve. */
export function paintCrosshair(context, frame, x, marks, options) {
  context.strokeStyle = options.ink;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(crisp(frame.toX(x)), frame.top);
  context.lineTo(crisp(frame.toX(x)), frame.bottom);
  context.stroke();
  for (const { x: at, y, colour } of marks) {
    if (!shows(y, options.log)) continue;
    context.beginPath();
    context.arc(frame.toX(at), frame.toY(y), 4, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.strokeStyle = options.paper;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  }
}
