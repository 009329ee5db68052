// The queue: one table row for each run of the race, changed in place.

import { arrange, nextOrder, sortRows } from "./row_order.js";

const ICONS = {
  pause: `<path d="M5 3.5h2.2v9H5zM8.8 3.5H11v9H8.8z"/>`,
  resume: `<path d="M5 3l8 5-8 5z"/>`,
  stop: `<path d="M4 4h8v8H4z"/>`,
  skip: `<path d="M3 3.5L9.5 8 3 12.5zM10.5 3.5h2v9h-2z"/>`,
  clone: `<path d="M3 3h7v2H5v5H3z"/><path d="M6 6h7v7H6z"/>`,
};
const WORDS = {
  pause: ["Pause", "pause after the current step"],
  resume: ["Resume", "continue training"],
  stop: ["Stop", "end after the current step, evaluate, and save the trained weights"],
  skip: ["Stop now", "end without the evaluation; the trained weights are saved"],
  clone: ["Clone and change", "start a copy of this run with other settings"],
};
const HEADS = ["Place", "Run", "Progress", "Loss", "Metric", "Time left", "Memory", "Controls"];
const COLUMNS = ["place", "run", "progress", "loss", "score", "left", "memory", "controls"];
const ENDED = new Set(["finished", "stopped", "failed"]);

function element(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

/** Write only what has changed: a page that is laid out anew takes time from what trains. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function control(tell) {
  const button = element("button", "", { type: "button" });
  button.addEventListener("click", () => tell(button.dataset.act));
  return button;
}

/** Have a button do this; the same one pauses and resumes, so that it keeps its place and the focus. */
function showControl(button, act, name, disabled) {
  const [title, what] = WORDS[act];
  if (button.dataset.act !== act) {
    button.dataset.act = act;
    button.className = `queue-${act}`;
    button.innerHTML = `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${ICONS[act]}</svg>`;
  }
  button.title = `${title}: ${what}`;
  button.setAttribute("aria-label", `${title} ${name}`);
  button.disabled = disabled;
}

function makeRow(tell) {
  const row = element("tr", "");
  const cells = Object.fromEntries(
    COLUMNS.map((name, i) => {
      const cell = element(i === 1 ? "th" : "td", `queue-${name}`);
      cell.dataset.head = HEADS[i];
      row.append(cell);
      return [name, cell];
    }),
  );
  cells.run.scope = "row";
  const place = element("span", "queue-medal");
  cells.place.append(place);
  const chip = element("i", "queue-chip");
  const name = element("button", "queue-name", { type: "button" });
  const differs = element("span", "queue-differs");
  name.addEventListener("click", () => tell("pick"));
  const texts = element("span", "queue-texts");
  texts.append(name, differs);
  cells.run.append(chip, texts);
  const word = element("span", "queue-word");
  const verdict = element("span", "queue-verdict"); // on the weights: no state of the process
  const step = element("span", "queue-step");
  const bar = element("span", "queue-bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-valuemin", 0);
  bar.setAttribute("aria-valuemax", 100);
  const fill = element("i", "");
  bar.append(fill);
  const still = element("span", "queue-still"); // where there is no room for a column of its own
  const reason = element("span", "queue-reason");
  cells.progress.append(word, verdict, step, bar, still, reason);
  const score = element("span", "");
  const metric = element("span", "queue-metric");
  cells.score.append(score, metric);
  const buttons = [control(tell), control(tell), control(tell)];
  cells.controls.append(...buttons);
  return { row, cells, place, chip, name, differs, word, verdict, step, bar, fill, still, reason, score, metric, buttons };
}

function showRow(parts, data) {
  const { row, cells, buttons } = parts;
  row.className = `is-${data.state}${data.chosen ? " is-chosen" : ""}${data.warning ? " is-warned" : ""}`;
  write(parts.place, data.place === null ? "–" : String(data.place));
  parts.place.classList.toggle("is-first", data.place === 1);
  parts.chip.style.color = data.colour;
  parts.chip.classList.toggle("is-again", data.again);
  write(parts.name, data.name);
  parts.name.title = `${data.name}: show it below and bring its curves to the front`;
  write(parts.differs, data.differs);
  parts.differs.title = data.differs;
  write(parts.word, data.word);
  write(parts.verdict, data.verdict);
  parts.verdict.title = data.warning;
  write(parts.step, data.step);
  const percent = Math.round(100 * data.done);
  parts.fill.style.width = `${percent}%`;
  parts.bar.setAttribute("aria-valuenow", percent);
  parts.bar.setAttribute("aria-label", `Progress of ${data.name}`);
  write(parts.still, data.left && `${data.left} left`);
  write(parts.reason, data.reason);
  parts.reason.title = data.reason;
  write(cells.loss, data.loss || "–");
  write(parts.score, data.score || "–");
  write(parts.metric, data.metric);
  write(cells.left, data.left || "–");
  write(cells.memory, data.memory || "–");
  const ended = ENDED.has(data.state);
  const [going, stop, clone] = buttons;
  const act = data.state === "paused" ? "resume" : "pause";
  showControl(going, act, data.name, ended || data.stopping || data.state === "ready");
  showControl(stop, data.stopping ? "skip" : "stop", data.name, ended);
  showControl(clone, "clone", data.name, false);
}

/** The headings: a click on one sorts the rows by it. */
function makeHeads(sortBy) {
  return HEADS.map((word, i) => {
    const head = element("th", "", { scope: "col" });
    const column = COLUMNS[i];
    if (column === "controls") {
      head.textContent = word;
    } else {
      const button = element("button", "", { type: "button", textContent: word });
      button.title = `Sort by ${word.toLowerCase()}`;
      button.addEventListener("click", () => sortBy(column));
      head.append(button);
    }
    return head;
  });
}

export default {
  render({ model, el }) {
    const table = element("table", "workbench-queue");
    const head = element("tr", "");
    const top = element("thead", "");
    top.append(head);
    const body = element("tbody", "");
    table.append(top, body);
    el.append(table);
    const rows = new Map();
    let order = { column: "place", descending: false };

    const show = (patient) => {
      const data = model.get("rows");
      for (const row of data) {
        if (!rows.has(row.id)) rows.set(row.id, makeRow((act) => model.send({ act, id: row.id })));
        showRow(rows.get(row.id), row);
      }
      const wanted = sortRows(data, order).map(({ id }) => rows.get(id).row);
      // A new row is shown even where the others wait.
      body.append(...wanted.filter((row) => row.parentNode !== body));
      arrange(body, wanted, patient);
      [...head.children].forEach((cell, i) => {
        if (COLUMNS[i] !== order.column) return cell.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
      });
    };
    const sortBy = (column) => {
      order = nextOrder(order, column);
      show(false);
    };
    head.append(...makeHeads(sortBy));
    model.on("change:rows", () => show(true));
    body.addEventListener("pointerleave", () => show(true));
    show(false);
  },
};
