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
}

/** Stroke one curve; it breaks where a value is missing or cannot be shown. */
function trace(context, frame, xs, ys, log) {
  context.beginPath();
  let drawing = false;
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(ys[i]) || (log && ys[i] <= 0)) {
      drawing = false;
      continue;
    }
    context[drawing ? "lineTo" : "moveTo"](frame.toX(xs[i]), frame.toY(ys[i]));
    drawing = true;
  }
  context.stroke();
}

function dots(context, frame, xs, ys, log, size) {
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(ys[i]) || (log && ys[i] <= 0)) continue;
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
  context.globalAlpha = strength;
  if (style === "points") {
    context.setLineDash([6, 4]);
    trace(context, frame, xs, ys, options.log);
    const room = (frame.right - frame.left) / Math.max(xs.length, 1);
    if (room >= 5) dots(context, frame, xs, ys, options.log, 3.25);
  } else if (options.smoothing && xs.length > 1) {
    context.globalAlpha = strength * 0.28;
    context.lineWidth = 1;
    trace(context, frame, xs, ys, options.log);
    context.globalAlpha = strength;
    context.lineWidth = 2;
    trace(context, frame, xs, smooth(xs, ys, options.smoothing), options.log);
  } else {
    trace(context, frame, xs, ys, options.log);
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
    if (!Number.isFinite(y) || (options.log && y <= 0)) continue;
    context.beginPath();
    context.arc(frame.toX(at), frame.toY(y), 4, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.strokeStyle = options.paper;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  }
}
