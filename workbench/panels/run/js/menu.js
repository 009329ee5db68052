// What can be done with a run: a button that opens a menu, for the pointer and for the keyboard.

import { element } from "./elements.js";

const ACTS = [
  ["use", "Use these settings", "Fill the form above with the settings of this run"],
  ["clone", "Continue from its weights", "Fill the form with its settings, to start from its weights"],
  ["rename", "Rename …", "Call it something else here; its folder keeps its name"],
  ["hide", "Hide", "Leave it out of the table and the chart"],
  ["show", "Show again", "Put it back into the table and the chart"],
  ["delete", "Delete …", "Delete its folder, after a question"],
];

/** Make the menu of a row; `choose` is called with the act that was chosen. */
export function makeMenu(choose) {
  const root = element("span", "wb-menu");
  const opener = element("button", "wb-more", { type: "button", textContent: "⋯" });
  const list = element("div", "wb-menu-list", { hidden: true });
  opener.setAttribute("aria-haspopup", "menu");
  list.setAttribute("role", "menu");
  const items = ACTS.map(([act, word, help]) => {
    const item = element("button", "", { type: "button", textContent: word, title: help, tabIndex: -1 });
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      open(false);
      choose(act);
    });
    list.append(item);
    return { act, item };
  });
  root.append(opener, list);

  const shown = () => items.filter(({ item }) => !item.hidden && !item.disabled).map(({ item }) => item);
  const outside = (event) => root.contains(event.target) || open(false);

  function open(is) {
    if (is === !list.hidden) return;
    list.hidden = !is;
    opener.setAttribute("aria-expanded", is);
    if (is) {
      // Above the button where there is no room below it.
      const room = window.innerHeight - opener.getBoundingClientRect().bottom;
      list.classList.toggle("is-above", room < list.offsetHeight + 12);
      shown()[0]?.focus();
      window.addEventListener("pointerdown", outside, true);
    } else {
      window.removeEventListener("pointerdown", outside, true);
    }
  }

  opener.setAttribute("aria-expanded", false);
  opener.addEventListener("click", () => open(list.hidden));
  root.addEventListener("keydown", (event) => {
    if (list.hidden) {
      if (event.key !== "ArrowDown") return;
      open(true);
    } else if (event.key === "Escape" || event.key === "Tab") {
      open(false);
      opener.focus();
    } else {
      const all = shown();
      const at = all.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
      if (to === undefined) return;
      all.at(to % all.length)?.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  });

  function show(row) {
    opener.setAttribute("aria-label", `More about ${row.label}`);
    opener.title = `What can be done with ${row.label}`;
    for (const { act, item } of items) {
      item.hidden = !(act in row.acts);
      item.disabled = Boolean(row.acts[act]);
      item.title = row.acts[act] || ACTS.find(([name]) => name === act)[2];
    }
  }

  return { root, opener, show };
}
