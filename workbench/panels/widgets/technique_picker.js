// A field that opens a list of techniques to search, to read about and to pick from.

import { makeHeads, makeList } from "./technique_list.js";
import { makePane } from "./technique_pane.js";
import { close, open, place } from "./technique_popover.js";
import { makeIndex, search } from "./technique_search.js";

const PAGE = 8; // options that PageUp and PageDown pass over
const REST = 150; // ms at one technique before its picture is asked for

function element(tag, className, attributes = {}) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** The closed state: a field with the technique's name and family. */
function makeField(id, list) {
  const label = element("span", "wb-label", { id: `${id}-label` });
  const button = element("button", "wt-field", {
    type: "button",
    role: "combobox",
    "aria-haspopup": "listbox",
    "aria-controls": list.id,
    "aria-expanded": "false",
    "aria-labelledby": label.id,
  });
  const name = element("span", "wt-value");
  const family = element("span", "wt-of");
  button.append(name, family);
  return { label, button, name, family };
}

export default {
  render({ model, el, signal }) {
    const id = `wt-${Math.random().toString(36).slice(2)}`;
    const list = makeList();
    const field = makeField(id, list);
    const pane = makePane(() => pick(active));
    const input = element("input", "wt-search", {
      type: "text",
      role: "combobox",
      "aria-label": "Search techniques",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": list.id,
      "aria-describedby": pane.sentence,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "Search by name, family, paper or idea: 4-bit, orthogonal, adapter …",
    });
    const status = element("p", "wt-status", { role: "status" });
    const popover = element("div", "wt-popover", { hidden: "", "data-escape": "" });
    const left = element("div", "wt-left");
    left.append(makeHeads(), list.element);
    const body = element("div", "wt-body");
    body.append(left, pane.element);
    popover.append(input, body, status);
    el.classList.add("wb-picker", "wt-picker");
    el.append(field.label, field.button, popover);

    let index = [];
    let active = "";
    let asked = 0;
    const entry = (name) => model.get("entries").find((one) => one.name === name);
    const isOpen = () => !popover.hidden;

    function showField() {
      const value = model.get("value");
      const chosen = entry(value);
      field.label.textContent = model.get("label");
      field.label.classList.toggle("wt-unseen", !model.get("label_shown"));
      field.name.textContent = chosen?.title ?? (value || model.get("placeholder"));
      field.family.textContent = chosen?.family ?? "";
      field.button.title = model.get("hint");
      field.button.classList.toggle("wt-empty", !value);
    }
    function showCosts() {
      const fits = model.get("fits");
      list.cost(fits, [model.get("value"), ...model.get("chosen")]);
      popover.classList.toggle("wt-costs-known", Object.keys(fits).length > 0);
      const none = list.shown.length ? "" : "Nothing found: try a family, such as soft prompts.";
      status.textContent = none || model.get("status");
      tell();
    }
    function tell() {
      if (entry(active)) pane.show(entry(active), model.get("fits")[active]);
    }
    function fill() {
      list.show(search(index, input.value), Boolean(input.value.trim()));
      showCosts();
      const first = input.value.trim() ? undefined : list.row(model.get("value"));
      activate(first ? model.get("value") : list.shown[0]?.name, true);
    }
    /** Go to a technique: the list marks it, the pane tells of it. */
    function activate(name, scroll) {
      active = name ?? "";
      list.mark(active, scroll);
      if (active) input.setAttribute("aria-activedescendant", list.row(active).id);
      else input.removeAttribute("aria-activedescendant");
      tell();
      clearTimeout(asked);
      if (active) asked = setTimeout(() => model.send({ kind: "look", name: active }), REST);
    }
    function show(typed = "") {
      if (isOpen()) return;
      open(popover, field.button);
      for (const control of [field.button, input]) control.setAttribute("aria-expanded", "true");
      input.value = typed;
      fill();
      input.focus({ preventScroll: true });
    }
    function hide(refocus) {
      if (!isOpen()) return;
      clearTimeout(asked);
      close(popover);
      list.clear();
      pane.clear();
      for (const control of [field.button, input]) control.setAttribute("aria-expanded", "false");
      if (refocus) field.button.focus({ preventScroll: true });
    }
    function pick(name) {
      hide(true);
      if (!name) return;
      model.set("value", name);
      model.save_changes();
    }
    function move(by) {
      const names = list.shown.map((one) => one.name);
      const to = Math.max(0, Math.min(names.indexOf(active) + by, names.length - 1));
      activate(names[to], true);
    }

    const keys = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      PageDown: () => move(PAGE),
      PageUp: () => move(-PAGE),
      Home: () => move(-Infinity),
      End: () => move(Infinity),
      Enter: () => pick(active),
    };
    input.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.isComposing) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
    popover.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.stopPropagation();
      hide(true);
    });
    input.addEventListener("input", fill);
    field.button.addEventListener("click", () => (isOpen() ? hide(true) : show()));
    field.button.addEventListener("keydown", (event) => {
      const { key, altKey, ctrlKey, metaKey } = event;
      if (ctrlKey || metaKey) return;
      const letter = key.length === 1 && key !== " " && !altKey;
      if (!letter && key !== "ArrowDown" && key !== "ArrowUp") return;
      event.preventDefault();
      show(letter ? key : "");
    });

    // The search field keeps the focus: else keys would be the notebook's.
    popover.addEventListener("mousedown", (event) => {
      if (event.target !== input) event.preventDefault();
    });
    // A finger has no way to only look: its first touch of a technique tells of it, its second picks.
    let finger = false;
    const nameAt = (event) => event.target.closest?.("[role=option]")?.dataset.name;
    list.element.addEventListener("pointerdown", (event) => {
      finger = event.pointerType === "touch";
    });
    list.element.addEventListener("pointermove", (event) => {
      const name = nameAt(event);
      if (event.pointerType !== "touch" && name && name !== active) activate(name, false);
    });
    list.element.addEventListener("click", (event) => {
      const name = nameAt(event);
      if (!name) return;
      if (finger && name !== active) activate(name, false);
      else pick(name);
    });

    const outside = (target) => !(target instanceof Node && el.contains(target));
    const onLeave = ({ relatedTarget }) => relatedTarget && outside(relatedTarget) && hide(false);
    el.addEventListener("focusout", onLeave);
    const onPress = (event) => isOpen() && outside(event.target) && hide(false);
    window.addEventListener("pointerdown", onPress, { capture: true, signal });
    const follow = () => isOpen() && place(popover, field.button);
    const onScroll = ({ target }) => popover.contains(target) || follow();
    window.addEventListener("scroll", onScroll, { capture: true, passive: true, signal });
    window.addEventListener("resize", follow, { signal });
    signal?.addEventListener("abort", () => clearTimeout(asked));

    model.on("change:entries", () => {
      index = makeIndex(model.get("entries"));
      showField();
      if (isOpen()) fill();
    });
    for (const name of ["value", "label", "placeholder", "hint"]) {
      model.on(`change:${name}`, showField);
    }
    for (const name of ["fits", "status", "chosen", "value"]) {
      model.on(`change:${name}`, () => isOpen() && showCosts());
    }
    model.on("msg:custom", ({ kind, name, html }) => kind === "picture" && pane.draw(name, html));
    index = makeIndex(model.get("entries"));
    showField();
  },
};
