// One run in the table: its name, its figures, its menu, and the questions that some acts ask.

import { element, write } from "./elements.js";
import { makeMenu } from "./menu.js";

/** Make a row; `tell` sends an act to the kernel, `columns` names the cells. */
export function makeRow(columns, tell) {
  const row = element("tr", "wb-row");
  const name = element("th", "wb-name", { scope: "row" });
  const chip = element("i", "wb-chip");
  const texts = element("span", "wb-texts");
  const pick = element("button", "wb-pick", { type: "button" });
  const differs = element("span", "wb-differs");
  texts.append(pick, differs);
  name.append(chip, texts);
  row.append(name);
  const cells = {};
  for (const { key, head } of columns.slice(1)) {
    const cell = element("td", `wb-cell-${key}`);
    cell.dataset.head = head;
    const main = element("span", "");
    const note = element("span", key === "state" ? "wb-verdict" : "wb-note");
    const bar = element("span", "wb-share", { hidden: key !== "trained" });
    bar.append(element("i", ""));
    cell.append(main, bar, note);
    cells[key] = { cell, main, note, bar };
    row.append(cell);
  }
  const last = element("td", "wb-acts");
  row.append(last);

  let data = null;
  let box = null; // a question, or the field for a new name

  const close = () => {
    if (!box) return;
    const focused = box.contains(document.activeElement);
    box.remove();
    box = null;
    pick.hidden = differs.hidden = false;
    if (focused) menu.opener.focus();
  };

  const rename = () => {
    close();
    box = element("span", "wb-rename");
    const field = element("input", "", { type: "text", value: data.label, maxLength: 80 });
    field.setAttribute("aria-label", `New name of ${data.label}`);
    const keep = element("button", "wb-button", { type: "button", textContent: "Rename" });
    const save = () => {
      tell("rename", field.value);
      close();
    };
    keep.addEventListener("click", save);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") save();
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    box.append(field, keep);
    pick.hidden = differs.hidden = true;
    texts.append(box);
    field.focus();
    field.select();
  };

  const ask = () => {
    close();
    box = element("span", "wb-question");
    box.setAttribute("role", "alertdialog");
    box.setAttribute("aria-label", data.question);
    const keep = element("button", "wb-button", { type: "button", textContent: "Keep it" });
    const go = element("button", "wb-button wb-danger", { type: "button", textContent: "Delete" });
    keep.addEventListener("click", close);
    go.addEventListener("click", () => {
      tell("delete");
      close();
    });
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      close();
      event.stopPropagation();
    });
    box.append(element("span", "", { textContent: data.question }), keep, go);
    texts.append(box);
    keep.focus();
  };

  const menu = makeMenu((act) => {
    if (act === "rename") rename();
    else if (act === "delete") ask();
    else {
      tell(act);
      menu.opener.focus();
    }
  });
  last.append(menu.root);
  pick.addEventListener("click", () => tell("pick"));

  function show(now) {
    data = now;
    row.className = `wb-row${now.chosen ? " wb-chosen" : ""}${now.hidden ? " wb-hidden" : ""}`;
    row.dataset.run = now.name;
    chip.style.background = now.colour;
    write(pick, now.label);
    pick.title = `${now.name}: show it above and bring its curves to the front`;
    pick.setAttribute("aria-pressed", now.chosen);
    write(differs, now.hidden ? `${now.differs} · hidden` : now.differs);
    differs.title = now.differs;
    for (const [key, { cell, main, note, bar }] of Object.entries(cells)) {
      write(main, now.cells[key]);
      write(note, now.notes[key] ?? "");
      if (key === "state") main.className = `wb-state ${now.css}`;
      if (key === "state") note.title = now.warning;
      if (key === "trained" && now.share !== null) {
        // A share too small to be seen is still there.
        bar.firstChild.style.width = now.share ? `max(2px, ${100 * now.share}%)` : 0;
        bar.title = now.parameters;
      }
      bar.hidden = key !== "trained" || now.share === null;
      cell.title = key === "trained" ? now.parameters : "";
    }
    menu.show(now);
  }

  return { row, show };
}
