// The elements of the plots, side by side or below each other.

import { element } from "./elements.js";
import { dragZoom } from "./zoom.js";

const LOW_ROW = 150; // pixels: rows that are lower than this are too many
const TIGHT = 190; // pixels: how narrow plots may be then

/** How many plots stand in a row, and how high a row is where nothing else says so. */
function arrange(count, width, narrow = count === 2 ? 262 : count <= 4 ? 300 : 250) {
  const most = Math.min(Math.max(Math.floor(width / narrow), 1), count);
  const rows = Math.ceil(count / most);
  const columns = Math.ceil(count / rows);
  const height = Math.min(Math.max(0.5 * (width / columns), 190), rows > 1 ? 230 : 290);
  return { columns, rows, height };
}

/**
 * The plots of one view; `acts` has what pointing at one, leaving it and pressing a key do.
 *
 * `views` has, by plot, its element, its canvas, its frame once it is painted, and what drags it.
 */
export function createGrid(zoom, help, acts) {
  const root = element("div", "workbench-chart-plot");
  const views = new Map();

  const makeView = (plot) => {
    const canvas = element("canvas", "", { tabIndex: 0 });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-describedby", help.id);
    const view = { root: element("div", "workbench-chart-cell"), canvas, frame: null };
    view.drag = dragZoom(canvas, plot.id, zoom, () => view.frame);
    view.root.append(canvas, view.drag.box);
    canvas.addEventListener("pointermove", (event) => acts.point(plot, event));
    canvas.addEventListener("pointerleave", acts.leave);
    canvas.addEventListener("blur", acts.leave);
    canvas.addEventListener("keydown", (event) => acts.press(plot, event));
    return view;
  };

  const place = ({ columns, rows, height }, count) => {
    root.style.setProperty("--columns", count ? columns : 1);
    root.style.setProperty("--rows", rows);
    root.style.setProperty("--height", `${Math.round(height)}px`);
  };

  /** One element for each plot; those that stay keep theirs, and the focus. */
  const show = (plots, width, expected) => {
    const ids = plots.map(({ id }) => id);
    for (const [id, view] of views) {
      if (ids.includes(id)) continue;
      view.root.remove();
      views.delete(id);
    }
    plots.forEach((plot, i) => {
      if (!views.has(plot.id)) views.set(plot.id, makeView(plot));
      const view = views.get(plot.id);
      if (root.children[i] !== view.root) root.insertBefore(view.root, root.children[i] ?? null);
    });
    const count = Math.max(plots.length || expected, 1);
    place(arrange(count, width), plots.length);
    // In a low place plots stand closer together, so that none has to be scrolled to.
    const { rows } = arrange(count, width);
    if (rows > 1 && root.clientHeight / rows < LOW_ROW) place(arrange(count, width, TIGHT), plots.length);
  };
  return { root, views, show };
}
