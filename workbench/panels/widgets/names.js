// What ipywidgets tells no screen reader: names, descriptions, what is wrong, and which folds are open.

const DESCRIBED = "input, select, textarea, [role='combobox'], .noUi-handle";
const PICKED = ".wb-card button[role='combobox']"; // a picker that is no field
const NOTES = ".wb-problem, .wb-hint, .wb-tip"; // in the order in which they are read

function set(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Return an element's id. Each view of a widget has its own elements, so ids are made here. */
function idOf(element) {
  element.id ||= `wb-${Math.random().toString(36).slice(2)}`;
  return element.id;
}

/** Tie a setting's notes to its controls, and say whether one of them is about something wrong. */
function describe(field, more = []) {
  const notes = [...more, ...field.querySelectorAll(NOTES)];
  const wrong = notes.some((note) => note.matches(".wb-problem"));
  for (const control of field.matches(PICKED) ? [field] : field.querySelectorAll(DESCRIBED)) {
    set(control, "aria-describedby", notes.length ? notes.map(idOf).join(" ") : null);
    set(control, "aria-invalid", wrong ? "true" : null);
  }
}

/** Return the part of a card that a sentence in it is about: by its name, else the card's first. */
function subjectOf(card, problem) {
  const { about } = problem.dataset;
  const named = about && card.querySelector(`.wb-of-${CSS.escape(about)}`);
  return named || (card.querySelector(PICKED) ?? card.querySelector(".wb-field"));
}

function nameAll(panel) {
  const said = new Map(); // sentences of a card, by the part that they are about
  for (const card of panel.querySelectorAll(".wb-card")) {
    for (const problem of card.querySelectorAll(".wb-problem")) {
      if (problem.closest(".wb-field")) continue;
      const field = subjectOf(card, problem);
      if (field) said.set(field, [...(said.get(field) ?? []), problem]);
    }
  }
  for (const field of panel.querySelectorAll(`.wb-field, ${PICKED}`)) describe(field, said.get(field));
  for (const field of panel.querySelectorAll(".wb-with-slider")) {
    const name = field.querySelector(".widget-text > .widget-label")?.textContent;
    const handle = field.querySelector(".noUi-handle");
    if (handle && name) set(handle, "aria-label", name);
  }
  for (const fold of panel.querySelectorAll("button.wb-fold")) {
    set(fold, "aria-expanded", String(fold.classList.contains("wb-open")));
  }
  for (const toggle of panel.querySelectorAll("button.wb-toggle")) {
    const card = toggle.closest(".wb-card");
    const open = String(!card.classList.contains("wb-folded"));
    const title = card.querySelector("h3").lastChild.textContent;
    const name = `${toggle.textContent} ${title}`;
    if (toggle.getAttribute("aria-expanded") !== open) toggle.setAttribute("aria-expanded", open);
    if (toggle.getAttribute("aria-label") !== name) toggle.setAttribute("aria-label", name);
  }
}

/** Name a panel's controls, and those that are made later. */
export function nameControls(panel, signal) {
  let waiting = 0;
  const changed = new MutationObserver(() => {
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      nameAll(panel);
    });
  });
  changed.observe(panel, { subtree: true, childList: true, attributeFilter: ["class"] });
  signal.addEventListener("abort", () => changed.disconnect());
  nameAll(panel);
}
