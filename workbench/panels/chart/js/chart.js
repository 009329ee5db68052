// The widget: what is painted, when, and what a person does to it.

import { keepKeys } from "../../widgets/keys.js";
import { marksAt, paintCrosshair, paintPlot, snap } from "./canvas.js";
import { createControls } from "./controls.js";
import { saveCsv, savePng, saveSvg } from "./download.js";
import { element } from "./elements.js";
import { sharedRange } from "./frame.js";
import { createGrid } from "./grid.js";
import { createLegend } from "./legend.js";
import { formatStep, nearest } from "./numbers.js";
import { lookOf, plotsOf } from "./plots.js";
import { createStore } from "./store.js";
import { THINNED, isFilled, isThinned, summarise } from "./summary.js";
import { createTip, tipInWords } from "./tip.js";
import { createZoom } from "./zoom.js";

// How many steps of the curves a key goes.
const STRIDES = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity,
};
const SHARE = 80; // painting new points takes at most one part in so many of the time
const PATIENCE = 3000; // ms: but they wait no longer than this
const GONE = "The kernel is gone: run the cell again to show the panel.";
const HELP =
  "Arrow keys read the values, plus and minus zoom, 0 shows all again, arrow keys with Shift move the " +
  "window. Drag to zoom, with Shift to move, double-click to show all again.";
const TRAITS = ["metrics", "x_axis", "log_y", "smoothing", "outliers", "empty", "legend"];

export default () => {
  let store;

  function initialize({ model, signal }) {
    store = createStore(model);
    store.start(signal);
  }

  function render({ model, el, signal }) {
    const root = element("div", "workbench-chart");
    const gone = element("p", "workbench-chart-gone", { textContent: GONE, hidden: true });
    gone.setAttribute("role", "alert");
    const empty = element("p", "workbench-chart-empty");
    const note = element("p", "workbench-chart-note", { textContent: `Curves are ${THINNED}.` });
    const help = element("p", "workbench-chart-unseen", { textContent: HELP, id: `help-${crypto.randomUUID()}` });
    const spoken = element("p", "workbench-chart-unseen");
    spoken.setAttribute("role", "status");
    let pointed = null; // the place under the crosshair, and the plot whose values are read there
    let painted = { plots: [], options: {} };
    let waiting = 0;
    let later = 0;
    let due = 0; // when new points may be painted next

    const redraw = () => (waiting ||= requestAnimationFrame(paint));
    const zoom = createZoom(redraw);
    const acts = {
      point: (plot, event) => point(plot, event),
      leave: () => leave(),
      press: (plot, event) => press(plot, event),
    };
    const grid = createGrid(zoom, help, acts);
    const { views } = grid;
    grid.root.append(empty);
    const tip = createTip();
    const legend = createLegend(store);
    // Told to the kernel by message: save_changes would send the whole history along.
    const tell = (name, value) => {
      model.set(name, value);
      model.send({ kind: "set", name, value });
      redraw();
    };
    const sheet = () => {
      const { left, top } = grid.root.getBoundingClientRect();
      const places = painted.plots.map((plot) => {
        const box = views.get(plot.id).root.getBoundingClientRect();
        const place = { left: box.left - left, top: box.top - top + grid.root.scrollTop };
        return { plot, ...place, width: box.width, height: box.height, zoomY: zoom.y.get(plot.id) };
      });
      const palette = model.get("_palette");
      const runs = store.runs().filter(({ run }) => !store.hidden.has(run));
      const coloured = runs.map((run) => ({ ...run, ...lookOf(run.colour, palette) }));
      return { places, runs: coloured, options: painted.options };
    };
    const controls = createControls(model, store, signal, {
      tell,
      resetZoom: zoom.reset,
      downloads: {
        "Picture (PNG)": () => savePng(sheet()),
        "Drawing (SVG)": () => saveSvg(sheet()),
        "All points (CSV)": () => saveCsv(model, store),
      },
    });
    root.append(gone, controls.root, legend.root, grid.root, note, help, spoken, tip.root);
    el.append(root);
    el.classList.add("workbench-chart-view");

    const axisTitle = () => {
      const axis = model.get("x_axis");
      if (axis === "step") return "step";
      const units = new Set(store.series.filter(({ metric }) => metric === axis).map(({ group }) => group));
      return [...units].filter(Boolean).join(", ") || axis;
    };
    const headAt = (x) => (axisTitle() === "step" ? `step ${formatStep(x)}` : `${formatStep(x)} ${axisTitle()}`);

    const optionsNow = (plots) => {
      const style = getComputedStyle(root);
      return {
        log: model.get("log_y"),
        outliers: model.get("outliers"),
        least: model.get("_least_spans"),
        fraction: model.get("x_axis") === "seconds",
        xRange: zoom.x ?? sharedRange(plots),
        xTitle: axisTitle(),
        font: `11px ${style.fontFamily}`,
        titleFont: `600 12px ${style.fontFamily}`,
        ink: style.getPropertyValue("--ink").trim(),
        strong: style.getPropertyValue("--strong").trim(),
        grid: style.getPropertyValue("--grid").trim(),
        paper: style.getPropertyValue("--paper").trim(),
        faint: Number(style.getPropertyValue("--faint")),
      };
    };

    const readout = (plot) => {
      const { frame } = views.get(plot.id);
      const marks = marksAt(frame, pointed.x);
      const bounds = root.getBoundingClientRect();
      const box = views.get(plot.id).root.getBoundingClientRect();
      const place = { x: box.left - bounds.left + frame.toX(pointed.x), y: box.top - bounds.top + frame.top };
      tip.show(plot, marks, { x: pointed.x, head: headAt(pointed.x), place, bounds });
      const words = pointed.byKey ? tipInWords(plot, marks, headAt(pointed.x)) : "";
      if (spoken.textContent !== words) spoken.textContent = words;
    };

    const point = (plot, event) => {
      const { frame, canvas, drag } = views.get(plot.id);
      if (!frame) return;
      const x = frame.fromX(event.clientX - canvas.getBoundingClientRect().left);
      const inside = x >= frame.x0 && x <= frame.x1 && !drag.isDragging();
      pointed = inside ? { x: snap(frame, x), id: plot.id } : null;
      redraw();
    };
    const leave = () => {
      pointed = null;
      redraw();
    };
    const press = (plot, event) => {
      const { frame } = views.get(plot.id);
      if (event.key === "Escape") return leave();
      if (!frame || event.ctrlKey || event.metaKey || event.altKey) return;
      if (zoom.press(event, plot.id, frame, pointed?.x)) return event.preventDefault();
      const lines = painted.plots.find(({ id }) => id === plot.id).lines;
      const xs = [...new Set(lines.flatMap((line) => line.xs))].sort((a, b) => a - b);
      const by = STRIDES[event.key];
      if (!by || !xs.length) return;
      event.preventDefault();
      const seen = pointed !== null && pointed.x >= frame.x0 && pointed.x <= frame.x1;
      const [first, last] = [nearest(xs, frame.x0), nearest(xs, frame.x1)];
      const at = seen ? nearest(xs, pointed.x) : by > 0 ? first - 1 : last + 1;
      const x = xs[Math.min(Math.max(at + by, 0), xs.length - 1)];
      pointed = { x, id: plot.id, byKey: true };
      zoom.follow(frame, x);
      redraw();
    };

    const paintView = (plot, options) => {
      const view = views.get(plot.id);
      const { width, height } = view.root.getBoundingClientRect();
      view.canvas.setAttribute("aria-label", summarise(plot, options.xTitle));
      if (!width) return; // scrolled away: the old picture stays until it is back
      const ratio = window.devicePixelRatio || 1;
      view.canvas.width = Math.round(width * ratio);
      view.canvas.height = Math.round(height * ratio);
      const context = view.canvas.getContext("2d");
      context.scale(ratio, ratio);
      const mine = { ...options, zoomY: zoom.y.get(plot.id) };
      view.frame = paintPlot(context, plot, width, height, mine);
      if (view.frame && pointed) paintCrosshair(context, view.frame, pointed.x, mine);
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
      const axis = model.get("x_axis");
      const plots = plotsOf(store, {
        known: model.get("_known_metrics"),
        axes: model.get("_axes"),
        chosen: model.get("metrics"),
        palette: model.get("_palette"),
        smoothing: model.get("smoothing"),
        axis,
      });
      const some = store.series.some(({ id }) => store.points.get(id).ys.length);
      const filled = plots.flatMap(({ lines }) => lines.filter(isFilled));
      const shown = some ? plots : [];
      zoom.full = sharedRange(plots);
      if (zoom.full === null) zoom.x = null;
      gone.hidden = !store.gone;
      legend.root.hidden = !model.get("legend");
      if (model.get("legend")) legend.show(model.get("_palette"));
      root.classList.toggle("workbench-chart-idle", !some);
      controls.show({ zoomed: zoom.isOn() });
      note.hidden = !filled.some(isThinned);
      empty.hidden = shown.length > 0;
      empty.textContent = some ? "Nothing to show: all is hidden." : model.get("empty");
      el.dataset.series = filled.length;
      el.dataset.points = filled.reduce((sum, { total }) => sum + total, 0);
      grid.show(shown, root.clientWidth, model.get("metrics").length);
      const options = optionsNow(plots);
      painted = { plots: shown, options };
      shown.forEach((plot) => paintView(plot, options));
      const read = pointed && shown.find(({ id }) => id === pointed.id);
      const window = read && views.get(read.id).frame;
      if (window && pointed.x >= window.x0 && pointed.x <= window.x1) readout(read);
      else tip.hide();
    };
    // Whatever a person does is painted at once; points, when painting has rested long enough.
    const show = (grown) => {
      if (!grown) redraw();
      else if (!waiting) later ||= setTimeout(redraw, Math.max(due - performance.now(), 0));
    };

    keepKeys(() => root, signal);
    for (const name of TRAITS) model.on(`change:${name}`, redraw);
    store.views.add(show);
    const resized = new ResizeObserver(paint); // at once: a stretched frame would show
    resized.observe(grid.root);
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
