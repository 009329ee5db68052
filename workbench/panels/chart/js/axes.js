// Painting what is around the curves: title, grid, labels, quiet lines and marks at the edges.

import { BACK } from "./curves.js";

const MARK = 7; // pixels between two marks of points outside

export const crisp = (pixel) => Math.round(pixel) + 0.5;

function paintGrid(context, frame, options) {
  const { left, right, top, bottom } = frame;
  context.lineWidth = 1;
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
}

function paintLabels(context, frame, options) {
  const { left, right, bottom } = frame;
  context.fillStyle = options.ink;
  context.textBaseline = "middle";
  context.textAlign = "right";
  frame.yTicks.forEach((tick, i) => context.fillText(frame.yLabels[i], left - 6, frame.toY(tick)));
  context.textBaseline = "top";
  context.fillText(options.xTitle, right, bottom + 7);
  const end = right - context.measureText(options.xTitle).width - 8;
  context.textAlign = "center";
  frame.xTicks.forEach((tick, i) => {
    const half = context.measureText(frame.xLabels[i]).width / 2;
    const x = Math.max(frame.toX(tick), half);
    if (x + half <= end) context.fillText(frame.xLabels[i], x, bottom + 7);
  });
}

/** What the lines of a loss are, right of the title where there is room. */
function paintKey(context, plot, start, width, options) {
  const words = ["training", "evaluation"];
  const room = words.reduce((sum, word) => sum + context.measureText(word).width + 40, 10);
  if (!plot.isLoss || start + room > width) return;
  let x = start + 12;
  context.strokeStyle = context.fillStyle = options.ink;
  for (const word of words) {
    const strong = word === "evaluation";
    context.lineWidth = strong ? 2.25 : 1.25;
    context.beginPath();
    context.moveTo(x, 12.5);
    context.lineTo(x + 18, 12.5);
    context.stroke();
    if (strong) {
      context.beginPath();
      context.arc(x + 9, 12.5, 3, 0, 2 * Math.PI);
      context.fill();
    }
    context.fillText(word, x + 23, 12.5);
    x += context.measureText(word).width + 36;
  }
}

export function paintTitle(context, plot, width, options) {
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillStyle = options.strong;
  context.font = options.titleFont;
  context.fillText(plot.title, 4, 12.5, width - 8);
  const start = 4 + context.measureText(plot.title).width;
  context.font = options.font;
  paintKey(context, plot, start, width, options);
}

export function paintAxes(context, plot, frame, options) {
  paintGrid(context, frame, options);
  paintLabels(context, frame, options);
  paintTitle(context, plot, frame.width, options);
}

/** A quiet dashed line for each value to compare with, with its name on it. */
export function paintReferences(context, plot, frame, options) {
  const named = []; // heights of the names on the left
  for (const { label, value } of plot.references) {
    const y = frame.toY(value);
    if (!(y >= frame.top && y <= frame.bottom)) continue;
    context.save();
    context.strokeStyle = options.ink;
    context.lineWidth = 1;
    context.setLineDash([3, 4]);
    context.beginPath();
    context.moveTo(frame.left, crisp(y));
    context.lineTo(frame.right, crisp(y));
    context.stroke();
    context.restore();
    const below = y - frame.top < 16;
    // At the left: scores begin a little later, and end at the right. A second name there would hide the first.
    const right = named.some((other) => Math.abs(other - y) < 16);
    if (!right) named.push(y);
    context.textAlign = right ? "right" : "left";
    context.textBaseline = below ? "top" : "bottom";
    const x = right ? frame.right - 3 : frame.left + 3;
    paintOverCurves(context, label, x, y + (below ? 4 : -3), options);
  }
}

/** Text that can be read on curves. */
function paintOverCurves(context, text, x, y, options) {
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = options.paper;
  context.strokeText(text, x, y);
  context.fillStyle = options.ink;
  context.fillText(text, x, y);
}

function paintTriangle(context, x, y, up) {
  const tip = up ? -4 : 4;
  context.beginPath();
  context.moveTo(x - 3.5, y);
  context.lineTo(x + 3.5, y);
  context.lineTo(x, y + tip);
  context.closePath();
  context.fill();
}

/** A triangle at the edge, in the run's colour, wherever points are beyond it; and words that say so. */
export function paintOutside(context, frame, options) {
  const marked = new Set();
  for (const { xs, ys, colour, faded } of frame.lines) {
    context.fillStyle = colour;
    context.globalAlpha = faded ? BACK : 1;
    for (let i = 0; i < xs.length; i++) {
      const side = xs[i] >= frame.x0 && xs[i] <= frame.x1 ? frame.hides(ys[i]) : 0;
      if (!side) continue;
      const x = frame.toX(xs[i]);
      const place = `${side} ${Math.round(x / MARK)} ${colour}`;
      if (marked.has(place)) continue;
      marked.add(place);
      paintTriangle(context, x, side > 0 ? frame.top - 1 : frame.bottom + 1, side > 0);
    }
  }
  context.globalAlpha = 1;
  const sides = ["1", "-1"].filter((side) => [...marked].some((place) => place.startsWith(`${side} `)));
  context.textAlign = "right";
  for (const side of sides) {
    const above = side === "1";
    context.textBaseline = above ? "top" : "bottom";
    const text = above ? "▲ points above" : "▼ points below";
    paintOverCurves(context, text, frame.right - 2, above ? frame.top + 4 : frame.bottom - 4, options);
  }
  return sides.length > 0;
}
