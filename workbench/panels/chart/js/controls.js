// The toolbar: what is shown, against what, and how; and what is kept as a file.

import { arrow, button, element } from "./elements.js";
import { createMenu } from "./menu.js";
import { isShown, metricsOf } from "./plots.js";

const EVERYTHING = "all";

/** A box to tick for each metric, and one for all. */
function createMetricMenu(signal, choose) {
  const menu = createMenu("", "Choose what is plotted", signal);
  let offered = "";

  const tick = (name, title, checked, disabled, onChange) => {
    const input = element("input", "", { type: "checkbox", checked, disabled });
    input.dataset.metric = name;
    input.addEventListener("change", () => onChange(input.checked));
    return element("label", "", {}, input, title);
  };

  menu.show = (metrics, chosen, isMissing) => {
    const names = metrics.filter(({ name }) => isShown(name, chosen));
    const titles = names.map(({ title }) => title);
    menu.say(chosen.includes(EVERYTHING) ? "All" : titles.join(", ") || "Nothing");
    const state = JSON.stringify([metrics, chosen, metrics.map(isMissing)]);
    if (state === offered) return;
    offered = state;
    const focused = menu.box.contains(document.activeElement) && document.activeElement.dataset.metric;
    const every = chosen.includes(EVERYTHING);
    const all = metrics.map(({ name }) => name);
    menu.box.replaceChildren(
      ...metrics.map((metric) =>
        tick(metric.name, metric.title, isShown(metric.name, chosen), isMissing(metric), (checked) => {
          const others = (every ? all : chosen).filter((one) => one !== metric.name);
          choose(checked ? [...others, metric.name] : others);
        }),
      ),
      tick(EVERYTHING, "All", every, false, (checked) => choose(checked ? [EVERYTHING] : ["loss", "score"])),
    );
    if (focused) menu.box.querySelector(`[data-metric="${CSS.escape(focused)}"]`)?.focus();
  };
  return menu;
}

function createDownloads(signal, downloads) {
  const menu = createMenu(arrow(), "Download the curves", signal);
  for (const [words, act] of Object.entries(downloads)) {
    const entry = button(words);
    entry.addEventListener("click", () => {
      menu.close();
      act();
    });
    menu.box.append(entry);
  }
  return menu;
}

/** The toolbar of one view; `tell` changes a trait of the widget. */
export function createControls(model, store, signal, { tell, resetZoom, downloads }) {
  const metrics = createMetricMenu(signal, (chosen) => tell("metrics", chosen));
  const axis = element("select", "", { title: "What the curves are drawn against" });
  axis.setAttribute("aria-label", "x axis");
  const slider = element("input", "", { type: "range", min: 0, max: 0.99, step: 0.01 });
  const smoothing = element("label", "", { title: "Moving average of noisy curves: right is smoother" });
  smoothing.append("Smooth", slider);
  const log = button("Log", { title: "Logarithmic y axes" });
  log.setAttribute("aria-label", "Log scale");
  const outliers = button("Outliers", { title: "Make room for all points, also for those far from the others" });
  const reset = button("Reset zoom", { title: "Show all again; a double click on a plot does the same" });
  const files = createDownloads(signal, downloads);
  files.root.classList.add("workbench-chart-end");
  const root = element("div", "workbench-chart-tools", {}, metrics.root, axis, smoothing, log, outliers, reset, files.root);

  axis.addEventListener("change", () => tell("x_axis", axis.value));
  slider.addEventListener("input", () => tell("smoothing", Number(slider.value)));
  log.addEventListener("click", () => tell("log_y", !model.get("log_y")));
  outliers.addEventListener("click", () => tell("outliers", !model.get("outliers")));
  reset.addEventListener("click", resetZoom);

  /** Say what is on; `zoomed` is whether there is something to reset. */
  const show = ({ zoomed }) => {
    const axes = model.get("_axes");
    const has = (name) => name === "step" || store.series.some(({ metric }) => metric === name);
    const offered = Object.keys(axes).filter(has);
    if ([...axis.options].map(({ value }) => value).join() !== offered.join()) {
      axis.replaceChildren(...offered.map((name) => new Option(`by ${axes[name].toLowerCase()}`, name)));
    }
    axis.hidden = offered.length < 2;
    axis.value = model.get("x_axis");
    const known = metricsOf(store, model.get("_known_metrics"), axes);
    // Without its kernel a saved chart has the points that it was shown with.
    const isMissing = ({ name }) =>
      store.gone && store.series.every(({ id, metric }) => metric !== name || !store.points.get(id).ys.length);
    metrics.show(known, model.get("metrics"), isMissing);
    log.setAttribute("aria-pressed", model.get("log_y"));
    outliers.setAttribute("aria-pressed", model.get("outliers"));
    if (document.activeElement !== slider) slider.value = model.get("smoothing");
    reset.hidden = !zoomed;
  };
  return { root, show };
}
