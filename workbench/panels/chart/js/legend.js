// The names of the runs: one entry each, to hide it or bring it to the front.

import { button, element, swatch } from "./elements.js";

const HINT = "click to hide or show it, with Shift to show it alone";

export function createLegend(store) {
  const root = element("ul", "workbench-chart-legend");
  root.setAttribute("aria-label", "Runs");
  let shown = "";

  const entryOf = ({ run, label, colour }, palette) => {
    const entry = button("", { title: `${label}: ${HINT}` });
    const name = element("span", "workbench-chart-name", { textContent: label });
    entry.append(swatch(palette[colour % palette.length]), name);
    entry.dataset.run = run;
    entry.setAttribute("aria-pressed", !store.hidden.has(run));
    entry.addEventListener("click", (event) => (event.shiftKey ? store.solo(run) : store.toggle(run)));
    entry.addEventListener("pointerenter", () => store.hover(store.hidden.has(run) ? null : run));
    entry.addEventListener("pointerleave", () => store.hover(null));
    return element("li", "", {}, entry);
  };

  /** Show the entries; made anew only where they have changed. */
  const show = (palette) => {
    const runs = store.runs();
    const state = JSON.stringify([runs, [...store.hidden], palette]);
    if (state === shown) return;
    shown = state;
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.run : undefined;
    const entries = runs.map((run) => entryOf(run, palette));
    if (runs.some(({ run }) => store.hidden.has(run)) && runs.length > 1) {
      const all = button("Show all", {}, "workbench-chart-all");
      all.addEventListener("click", () => store.showAll());
      entries.push(element("li", "", {}, all));
    }
    root.replaceChildren(...entries);
    if (focused) root.querySelector(`[data-run="${CSS.escape(focused)}"]`)?.focus();
  };
  return { root, show };
}
