// The read-out: what the curves are at one place.

import { element, swatch } from "./elements.js";
import { formatStep, formatValue } from "./numbers.js";

const ROWS = 12; // a box with more of them hides what it is about

/** One row for each run: its name, and its values by the style of the line. */
function rowsOf(marks) {
  const runs = new Map();
  for (const mark of marks) {
    if (!runs.has(mark.run)) runs.set(mark.run, { label: mark.label, colour: mark.colour, dashed: mark.dashed, y: -Infinity });
    const row = runs.get(mark.run);
    row[mark.style] = mark;
    row.faded = mark.faded;
    row.y = Math.max(row.y, Number.isFinite(mark.y) ? mark.y : Infinity);
  }
  return [...runs.values()].sort((a, b) => a.faded - b.faded || b.y - a.y);
}

/** The words of the read-out, for a screen reader. */
export function tipInWords(plot, marks, head) {
  const said = rowsOf(marks).map(({ label, line, points }) => {
    const values = [line && `${plot.isLoss ? "training " : ""}${formatValue(line.y, plot.unit)}`];
    values.push(points && `${plot.isLoss ? "evaluation " : ""}${formatValue(points.y, plot.unit)}`);
    return `${label} ${values.filter(Boolean).join(", ")}`;
  });
  return `${plot.title}, ${head}: ${said.join("; ")}`;
}

export function createTip() {
  const root = element("div", "workbench-chart-tip", { hidden: true });

  /** Show marks of a plot at a place, which is within the element that holds the box. */
  const show = (plot, marks, { x, head, place, bounds }) => {
    const styles = ["line", "points"].filter((style) => marks.some((mark) => mark.style === style));
    const cell = (tag, text) => element(tag, "", { textContent: text });
    const table = element("table", "");
    if (plot.isLoss && styles.length) {
      const names = styles.map((style) => cell("th", style === "line" ? "training" : "evaluation"));
      table.append(element("tr", "", {}, cell("td", ""), cell("td", ""), ...names));
    }
    const rows = rowsOf(marks);
    for (const row of rows.slice(0, ROWS)) {
      const values = styles.map((style) => {
        const mark = row[style];
        const other = mark && mark.x !== x ? ` (at ${formatStep(mark.x)})` : "";
        return cell("td", mark ? formatValue(mark.y, plot.unit) + other : "");
      });
      const name = element("td", "", {}, element("span", "", { textContent: row.label }));
      table.append(element("tr", "", {}, element("td", "", {}, swatch(row)), name, ...values));
    }
    root.replaceChildren(element("strong", "", { textContent: head }), table);
    if (rows.length > ROWS) root.append(element("p", "", { textContent: `and ${rows.length - ROWS} more` }));
    root.hidden = false;
    const [width, height] = [root.offsetWidth, root.offsetHeight];
    const right = place.x + 14 + width <= bounds.width;
    root.style.left = `${Math.max(right ? place.x + 14 : place.x - 14 - width, 0)}px`;
    root.style.top = `${Math.max(Math.min(place.y, bounds.height - height), 0)}px`;
  };
  return { root, show, hide: () => (root.hidden = true) };
}
