// Zoom and pan: what a person drags, and the keys that do the same.

import { element } from "./elements.js";

const DRAGGED = 6; // pixels: less was a click
const SIDEWAYS = 14; // pixels: a flatter or narrower box means one axis only
const CLOSER = 0.6;
const FURTHER = 0.2; // of the window, for a step of a pan

export function createZoom(redraw) {
  // The full range of x is set by whoever paints; ranges of y are by plot.
  const zoom = { x: null, y: new Map(), full: null };
  const moved = ([low, high], by) => [low + by, high + by];

  zoom.isOn = () => zoom.x !== null || zoom.y.size > 0;
  zoom.reset = () => {
    zoom.x = null;
    zoom.y.clear();
    redraw();
  };
  zoom.panX = (frame, share) => {
    zoom.x = moved([frame.x0, frame.x1], share * (frame.x1 - frame.x0));
    redraw();
  };
  /** Move the window by pixels, which are alike on a log scale. */
  zoom.panY = (id, frame, pixels) => {
    zoom.y.set(id, [frame.fromY(frame.bottom + pixels), frame.fromY(frame.top + pixels)]);
    redraw();
  };
  zoom.by = (frame, factor, centre = (frame.x0 + frame.x1) / 2) => {
    const [low, high] = [centre - (centre - frame.x0) * factor, centre + (frame.x1 - centre) * factor];
    zoom.x = low <= zoom.full[0] && high >= zoom.full[1] ? null : [low, high];
    redraw();
  };
  /** Bring a place into the window. */
  zoom.follow = (frame, x) => {
    if (!zoom.x || (x >= frame.x0 && x <= frame.x1)) return;
    zoom.x = moved([frame.x0, frame.x1], x < frame.x0 ? x - frame.x0 : x - frame.x1);
  };
  zoom.toBox = (id, frame, from, to) => {
    const [left, right] = [from.x, to.x].sort((a, b) => a - b);
    const [top, bottom] = [from.y, to.y].sort((a, b) => a - b);
    if (right - left >= SIDEWAYS) zoom.x = [frame.fromX(left), frame.fromX(right)];
    if (bottom - top >= SIDEWAYS) zoom.y.set(id, [frame.fromY(bottom), frame.fromY(top)]);
    redraw();
  };
  /** What a key does on a plot; returns whether it does something. */
  zoom.press = (event, id, frame, pointed) => {
    const { key, shiftKey } = event;
    const high = frame.bottom - frame.top;
    if (key === "+" || key === "=") zoom.by(frame, CLOSER, pointed ?? undefined);
    else if (key === "-" || key === "_") zoom.by(frame, 1 / CLOSER, pointed ?? undefined);
    else if (key === "0") zoom.reset();
    else if (shiftKey && key === "ArrowLeft") zoom.panX(frame, -FURTHER);
    else if (shiftKey && key === "ArrowRight") zoom.panX(frame, FURTHER);
    else if (shiftKey && key === "ArrowUp") zoom.panY(id, frame, -FURTHER * high);
    else if (shiftKey && key === "ArrowDown") zoom.panY(id, frame, FURTHER * high);
    else return false;
    return true;
  };
  return zoom;
}

/** Where a drag begins says what it does: a box zooms, an axis is moved, with Shift both are. */
function meaning(event, frame, { x, y }) {
  if (event.shiftKey) return "pan";
  if (x < frame.left) return "pan y";
  if (y > frame.bottom) return "pan x";
  return "zoom";
}

const POINTERS = { pan: "grab", "pan x": "ew-resize", "pan y": "ns-resize", zoom: "crosshair" };

/** Zoom a plot by drag; `frameNow` returns its frame, or null. */
export function dragZoom(canvas, id, zoom, frameNow) {
  const box = element("div", "workbench-chart-box", { hidden: true });
  let drag = null;

  const placeOf = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const inside = ({ x, y }, { left, right, top, bottom }) => ({
    x: Math.min(Math.max(x, left), right),
    y: Math.min(Math.max(y, top), bottom),
  });
  const drawBox = (from, to, { left, right, top, bottom }) => {
    const [wide, high] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
    const [x, width] = wide < SIDEWAYS ? [left, right - left] : [Math.min(from.x, to.x), wide];
    const [y, height] = high < SIDEWAYS ? [top, bottom - top] : [Math.min(from.y, to.y), high];
    box.hidden = Math.max(wide, high) < SIDEWAYS;
    Object.assign(box.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  };
  const end = () => {
    drag = null;
    box.hidden = true;
  };

  canvas.addEventListener("pointerdown", (event) => {
    const frame = frameNow();
    if (!frame || event.button !== 0) return;
    const from = placeOf(event);
    drag = { frame, from, does: meaning(event, frame, from) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const frame = frameNow();
    const at = placeOf(event);
    if (frame && !drag) canvas.style.cursor = POINTERS[meaning(event, frame, at)];
    if (!drag) return;
    const { from, does } = drag;
    if (does === "zoom") return drawBox(inside(from, drag.frame), inside(at, drag.frame), drag.frame);
    // Each move starts where the drag did: the frame that it is measured by must not move with it.
    if (does !== "pan y") zoom.panX(drag.frame, (from.x - at.x) / (drag.frame.right - drag.frame.left));
    if (does !== "pan x") zoom.panY(id, drag.frame, from.y - at.y);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag?.does === "zoom") {
      const [from, to] = [inside(drag.from, drag.frame), inside(placeOf(event), drag.frame)];
      if (Math.hypot(to.x - from.x, to.y - from.y) >= DRAGGED) zoom.toBox(id, drag.frame, from, to);
    }
    end();
  });
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("keydown", ({ key }) => key === "Escape" && end());
  canvas.addEventListener("dblclick", () => zoom.reset());
  return { box, isDragging: () => drag !== null };
}
