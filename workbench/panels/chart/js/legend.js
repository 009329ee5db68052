// The names of the runs: one entry each, to hide it or bring it to the front.

import { button, element, swatch } from "./elements.js";
import { lookOf } from "./plots.js";

const HINT = "click to hide or show it, with Shift to show it alone";

export function createLegend(store) {
  const root = element("ul", "workbench-chart-legend");
  root.setAttribute("aria-label", "Runs");
  const all = button("Show all", {}, "workbench-chart-all");
  all.addEventListener("click", () => store.showAll());
  const last = element("li", "", {}, all);
  let shown = "";

  const entryOf = ({ run, label, colour }, palette) => {
    const entry = button("", { title: `${label}: ${HINT}` });
    const name = element("span", "workbench-chart-name", { textContent: label });
    entry.append(swatch(lookOf(colour, palette)), name);
    entry.dataset.run = run;
    return element("li", "", {}, entry);
  };
  const runAt = ({ target }) => target.closest("[data-run]")?.dataset.run ?? null;
  root.addEventListener("click", (event) => {
    const run = runAt(event);
    if (run === null) return;
    if (event.shiftKey) store.solo(run);
    else store.toggle(run);
  });
  // For all entries at once: one that is made anew under the pointer is never left.
  root.addEventListener("pointerover", (event) => {
    const run = runAt(event);
    store.hover(store.hidden.has(run) ? null : run);
  });
  root.addEventListener("pointerleave", () => store.hover(null));
  // Whoever goes through the names by the keyboard sees whose curves they are, too.
  root.addEventListener("focusin", (event) => {
    const run = runAt(event);
    if (event.target.matches(":focus-visible")) store.hover(store.hidden.has(run) ? null : run);
  });
  root.addEventListener("focusout", () => store.hover(null));

  /** Show the entries; made anew only where runs have come or have other names. */
  const show = (palette) => {
    const runs = store.runs();
    const state = JSON.stringify([runs, palette]);
    if (state !== shown) {
      shown = state;
      const focused = root.contains(document.activeElement) && document.activeElement.dataset.run;
      root.replaceChildren(...runs.map((run) => entryOf(run, palette)), last);
      if (focused) root.querySelector(`[data-run="${CSS.escape(focused)}"]`)?.focus();
    }
    for (const entry of root.querySelectorAll("[data-run]")) {
      const pressed = String(!store.hidden.has(entry.dataset.run));
      if (entry.getAttribute("aria-pressed") !== pressed) entry.setAttribute("aria-pressed", pressed);
    }
    last.hidden = runs.length < 2 || !runs.some(({ run }) => store.hidden.has(run));
  };
  return { root, show };
}
