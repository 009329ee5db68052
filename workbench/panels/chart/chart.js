// The widget: its elements, and what a person does to them.

import { layout, paintAxes, paintCrosshair, paintLine } from "./canvas.js";
import { formatStep, formatValue } from "./scale.js";
import { createStore } from "./store.js";
import { keepKeys } from "../widgets/keys.js";

// How many steps of the curves a key goes.
const STRIDES = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity,
};
const REACH = 16; // pixels: what is further from the crosshair has no value there
const SHARE = 80; // painting new points takes at most one part in so many of the time
const PATIENCE = 3000; // ms: but they wait no longer than this
const THINNED = "thinned: only the lowest and highest point of each section are drawn";
const GONE = "The kernel is gone: run the cell again to show the panel.";

function element(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

/** A sample of a curve, as the legend and the tooltip show it. */
function swatch(style, colour) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("width", 14);
  svg.setAttribute("height", 8);
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML =
    style === "points"
      ? `<path d="M0 4h14" stroke-width="1.5" stroke-dasharray="3 2"/><circle cx="7" cy="4" r="3"/>`
      : `<path d="M0 4h14" stroke-width="2.5"/>`;
  svg.setAttribute("stroke", colour);
  svg.setAttribute("fill", colour);
  return svg;
}

/** The elements of one view. */
function build(el) {
  const root = element("div", "workbench-chart");
  const gone = element("p", "workbench-chart-gone", { textContent: GONE, hidden: true });
  gone.setAttribute("role", "alert");
  const legend = element("ul", "workbench-chart-legend");
  const tools = element("div", "workbench-chart-tools");
  const slider = element("input", "", { type: "range", min: 0, max: 0.99, step: 0.01 });
  const label = element("label", "", { title: "Moving average: right is smoother" });
  label.append("Smooth", slider);
  const log = element("button", "", { type: "button", textContent: "Log scale" });
  tools.append(label, log);
  const plot = element("div", "workbench-chart-plot");
  const canvas = element("canvas", "", { tabIndex: 0 });
  canvas.setAttribute("role", "img");
  const empty = element("p", "workbench-chart-empty");
  const tip = element("div", "workbench-chart-tip", { hidden: true });
  plot.append(canvas, tools, empty, tip);
  root.append(gone, legend, plot);
  el.append(root);
  return { root, gone, legend, tools, slider, log, plot, canvas, empty, tip };
}

/** One chip for each series: click to hide or show it. */
function showLegend(parts, store, palette) {
  const wanted = store.series.map(({ id }) => String(id));
  const chips = [...parts.legend.children];
  if (chips.map((chip) => chip.dataset.id).join() !== wanted.join()) {
    parts.legend.replaceChildren(
      ...store.series.map(({ id, style, colour }) => {
        const chip = element("li", "");
        chip.dataset.id = id;
        const button = element("button", "", { type: "button" });
        button.append(
          swatch(style, palette[colour % palette.length]),
          element("span", "workbench-chart-name"),
          element("span", "workbench-chart-last"),
        );
        button.addEventListener("click", () => store.toggle(id));
        chip.append(button);
        return chip;
      }),
    );
  }
  store.series.forEach(({ id, label }, i) => {
    const button = parts.legend.children[i].firstChild;
    const [, name, last] = button.children;
    const points = store.points.get(id);
    const shown = !store.hidden.has(id);
    name.textContent = label;
    last.textContent = points.ys.length ? formatValue(points.last) : "";
    button.title = `${label}: click to ${shown ? "hide" : "show"}`;
    button.setAttribute("aria-pressed", shown);
  });
}

/** Whether the points of a series stand for more of them. */
const thinned = ({ ys, total }) => total > ys.length;

/** The point of a series that is nearest to a step. */
function nearest({ xs }, x) {
  let best = 0;
  for (let i = 1; i < xs.length; i++) {
    if (Math.abs(xs[i] - x) <= Math.abs(xs[best] - x)) best = i;
  }
  return best;
}

/** The point of each series that is nearest to a step. */
function near(drawn, step) {
  return drawn
    .filter(({ ys }) => ys.length)
    .map((line) => ({ line, i: nearest(line, step) }))
    .map(({ line, i }) => ({ ...line, x: line.xs[i], y: line.ys[i] }));
}

function showTip(parts, frame, x, marks, xLabel) {
  const head = element("strong", "", { textContent: `${xLabel} ${formatStep(x)}` });
  const rows = marks.map((mark) => {
    const row = element("div", "");
    const other = mark.x === x ? "" : ` (at ${formatStep(mark.x)})`;
    const name = element("span", "", { textContent: mark.label + other });
    row.append(swatch(mark.style, mark.colour), name);
    row.append(element("strong", "", { textContent: formatValue(mark.y) }));
    return row;
  });
  parts.tip.replaceChildren(head, ...rows);
  parts.tip.hidden = false;
  const at = frame.toX(x);
  const width = parts.tip.offsetWidth;
  const right = at + 14 + width <= frame.right;
  parts.tip.style.left = `${Math.max(right ? at + 14 : at - 14 - width, 0)}px`;
}

export default () => {
  let store;

  function initialize({ model, signal }) {
    store = createStore(model);
    store.start(signal);
  }

  function render({ model, el, signal }) {
    const parts = build(el);
    const { canvas } = parts;
    let frame = null;
    let pointed = null; // the step under the crosshair
    let waiting = 0;
    let later = 0;
    let due = 0; // when new points may be painted next

    const lines = () => {
      const palette = model.get("_palette");
      const { highlight } = store;
      const mine = ({ key }) => key === highlight || key.startsWith(`${highlight}/`);
      const any = highlight !== null && store.series.some(mine);
      return store
        .visible()
        .map((one) => ({
          ...one,
          ...store.points.get(one.id),
          colour: palette[one.colour % palette.length],
          faded: any && !mine(one),
        }))
        .sort((a, b) => b.faded - a.faded);
    };

    const summarise = (drawn) => {
      const each = drawn
        .filter(({ ys }) => ys.length)
        .map(({ label, total, last }) => `${label}: ${total} points, last ${formatValue(last)}`);
      const what = `Chart of ${model.get("y_label")} by ${model.get("x_label")}.`;
      const how = drawn.some(thinned) ? ` Curves are ${THINNED}.` : "";
      return `${what} ${each.length ? each.join("; ") : "No points yet"}.${how}`;
    };

    const paint = () => {
      cancelAnimationFrame(waiting);
      clearTimeout(later);
      waiting = later = 0;
      const began = performance.now();
      setTimeout(() => {
        // After the frame, so that what the browser does with the painting is counted.
        const now = performance.now();
        due = now + Math.min(SHARE * (now - began), PATIENCE);
      });
      const box = parts.plot.getBoundingClientRect();
      const style = getComputedStyle(parts.root);
      const options = {
        log: model.get("log_y"),
        smoothing: model.get("smoothing"),
        xLabel: model.get("x_label"),
        yLabel: model.get("y_label"),
        ink: style.getPropertyValue("--ink"),
        strong: style.getPropertyValue("--strong"),
        grid: style.getPropertyValue("--grid"),
        paper: style.getPropertyValue("--paper"),
      };
      const drawn = lines();
      options.fraction = drawn.some(({ xs }) => xs.some((x) => !Number.isInteger(x)));
      options.note = drawn.some(thinned) ? THINNED : "";
      parts.gone.hidden = !store.gone;
      parts.log.setAttribute("aria-pressed", options.log);
      if (document.activeElement !== parts.slider) parts.slider.value = options.smoothing;
      parts.legend.hidden = !model.get("legend");
      if (model.get("legend")) showLegend(parts, store, model.get("_palette"));
      canvas.setAttribute("aria-label", summarise(drawn));
      el.dataset.series = drawn.filter(({ ys }) => ys.length).length;
      el.dataset.points = drawn.reduce((sum, { total }) => sum + total, 0);
      if (!box.width) return; // scrolled away: the old picture stays until it is back
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(box.width * ratio);
      canvas.height = Math.round(box.height * ratio);
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      context.font = `11px ${style.fontFamily}`;
      frame = layout(context, box.width, box.height, drawn, options);
      const some = store.series.some(({ id }) => store.points.get(id).ys.length);
      parts.tools.hidden = !some;
      parts.empty.hidden = frame !== null;
      parts.empty.textContent = some ? "Nothing to show: all is hidden." : model.get("empty");
      parts.tip.hidden = true;
      if (!frame) return;
      paintAxes(context, frame, options);
      drawn.forEach((line) => paintLine(context, frame, line, options));
      if (pointed === null) return;
      const all = near(drawn, pointed);
      const { x } = all[nearest({ xs: all.map((mark) => mark.x) }, pointed)];
      const marks = all.filter((mark) => Math.abs(frame.toX(mark.x) - frame.toX(x)) <= REACH);
      paintCrosshair(context, frame, x, marks, options);
      showTip(parts, frame, x, marks, options.xLabel);
    };
    const redraw = () => (waiting ||= requestAnimationFrame(paint));
    // Whatever a person does is painted at once; points, when painting has rested long enough.
    const show = (grown) => {
      if (!grown) redraw();
      else if (!waiting) later ||= setTimeout(redraw, Math.max(due - performance.now(), 0));
    };

    const point = (event) => {
      if (frame) pointed = frame.fromX(event.clientX - canvas.getBoundingClientRect().left);
      redraw();
    };
    const leave = () => {
      pointed = null;
      redraw();
    };
    const press = (event) => {
      const steps = [...new Set(lines().flatMap(({ xs }) => xs))].sort((a, b) => a - b);
      const by = STRIDES[event.key];
      if (event.key === "Escape") return leave();
      if (!by || !steps.length) return;
      event.preventDefault();
      const at = pointed === null ? (by > 0 ? -1 : steps.length) : nearest({ xs: steps }, pointed);
      pointed = steps[Math.min(Math.max(at + by, 0), steps.length - 1)];
      redraw();
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerleave", leave);
    canvas.addEventListener("blur", leave);
    canvas.addEventListener("keydown", press);
    keepKeys(() => parts.root, signal);

    // Told to the kernel by message: save_changes would send the whole history along.
    const tell = (name, value) => {
      model.set(name, value);
      model.send({ kind: "set", name, value });
    };
    parts.log.addEventListener("click", () => tell("log_y", !model.get("log_y")));
    parts.slider.addEventListener("input", () => tell("smoothing", Number(parts.slider.value)));
    for (const name of ["x_label", "y_label", "log_y", "smoothing", "empty", "legend"]) {
      model.on(`change:${name}`, redraw);
    }

    store.views.add(show);
    const resized = new ResizeObserver(paint); // at once: a stretched frame would show
    resized.observe(parts.plot);
    const themed = new MutationObserver(redraw);
    const attributeFilter = ["class", "data-jp-theme-light", "data-jp-theme-name"];
    themed.observe(document.body, { attributeFilter });
    signal.addEventListener("abort", () => {
      store.views.delete(show);
      resized.disconnect();
      themed.disconnect();
      cancelAnimationFrame(waiting);
      clearTimeout(later);
    });
    redraw();
  }

  return { initialize, render };
};
