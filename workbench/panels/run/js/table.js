// The runs of a bench: one table row each, sorted by any column.

import { element, write } from "./elements.js";
import { makeRow } from "./row.js";

/** Compare two values of a column: texts as people sort them, and what is missing last. */
function compare(one, other, down) {
  if (one === null || other === null) return (one === null) - (other === null);
  const order =
    typeof one === "string" ? one.localeCompare(other, undefined, { numeric: true }) : one - other;
  return down ? -order : order;
}

function makeHead(columns, sorted, resort) {
  const head = element("tr", "wb-head");
  const buttons = columns.map(({ key, head: word }) => {
    const cell = element("th", "", { scope: "col" });
    const button = element("button", "", { type: "button", textContent: word });
    button.addEventListener("click", () => resort(key));
    cell.append(button);
    head.append(cell);
    return { key, cell, button, word };
  });
  const last = element("th", "wb-acts", { scope: "col" });
  last.append(element("span", "wb-unseen", { textContent: "Actions" }));
  head.append(last);
  const show = () => {
    for (const { key, cell, button, word } of buttons) {
      const active = sorted.key === key;
      const order = active ? (sorted.down ? "descending" : "ascending") : "none";
      cell.setAttribute("aria-sort", order);
      button.title = active && sorted.second ? `${word}: back to the order in which the runs were started` : `Sort by ${word.toLowerCase()}`;
    }
  };
  show();
  return { head, show };
}

export default {
  render({ model, el, signal }) {
    const columns = model.get("columns");
    const sorted = { key: null, down: false, second: false };
    const rows = new Map();
    let withHidden = false;

    const table = element("table", "wb-table");
    const caption = element("caption", "wb-unseen", { textContent: "Runs" });
    const body = element("tbody", "");
    const { head, show: showHead } = makeHead(columns, sorted, (key) => {
      const first = Boolean(columns.find((one) => one.key === key).descending);
      if (sorted.key !== key) Object.assign(sorted, { key, down: first, second: false });
      else if (!sorted.second) Object.assign(sorted, { down: !sorted.down, second: true });
      else Object.assign(sorted, { key: null, down: false, second: false });
      showHead();
      place();
    });
    const top = element("thead", "");
    top.append(head);
    table.append(caption, top, body);
    const more = element("button", "wb-button wb-hidden-runs", { type: "button", hidden: true });
    more.addEventListener("click", () => {
      withHidden = !withHidden;
      place();
    });
    el.append(table, more);

    /** Put the rows in their order; one that is there already is not touched. */
    function place() {
      const all = model.get("rows");
      const hidden = all.filter((row) => row.hidden).length;
      const shown = all.filter((row) => withHidden || !row.hidden);
      const order = [...shown];
      if (sorted.key) {
        order.sort((one, other) => compare(one.sort[sorted.key], other.sort[sorted.key], sorted.down));
      }
      const wanted = order.map((row) => rows.get(row.id).row);
      for (const child of [...body.children]) if (!wanted.includes(child)) child.remove();
      wanted.forEach((row, at) => body.children[at] === row || body.insertBefore(row, body.children[at] ?? null));
      more.hidden = hidden === 0;
      const runs = `${hidden} hidden run${hidden === 1 ? "" : "s"}`;
      write(more, withHidden ? `Leave out ${runs}` : `Show ${runs}`);
      more.setAttribute("aria-pressed", withHidden);
      table.hidden = all.length === 0;
    }

    function show() {
      const all = model.get("rows");
      const ids = new Set(all.map((row) => row.id));
      for (const id of [...rows.keys()]) if (!ids.has(id)) rows.delete(id);
      for (const data of all) {
        if (!rows.has(data.id)) {
          const tell = (act, value) => model.send({ act, id: data.id, ...(value === undefined ? {} : { value }) });
          rows.set(data.id, makeRow(columns, tell));
        }
        rows.get(data.id).show(data);
      }
      place();
    }
    model.on("change:rows", show);
    signal?.addEventListener("abort", () => model.off("change:rows", show));
    show();
  },
};
