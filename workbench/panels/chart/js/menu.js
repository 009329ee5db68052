// A button that opens a small box below it, and closes it again.

import { button, chevron, element } from "./elements.js";

/**
 * A menu of the toolbar.
 *
 * Escape and a click elsewhere close it; the focus is then where it was before.
 */
export function createMenu(words, label, signal) {
  const text = element("span", "workbench-chart-chosen", {}, words);
  const opener = button("", { title: label });
  opener.append(text, chevron());
  opener.setAttribute("aria-label", label);
  opener.setAttribute("aria-expanded", "false");
  const box = element("div", "workbench-chart-menu", { hidden: true });
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", label);
  const root = element("div", "workbench-chart-opens", {}, opener, box);

  const open = (shown) => {
    box.hidden = !shown;
    opener.setAttribute("aria-expanded", String(shown));
  };
  opener.addEventListener("click", () => open(box.hidden));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || box.hidden) return;
    event.stopPropagation();
    open(false);
    opener.focus();
  });
  root.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !root.contains(relatedTarget)) open(false);
  });
  const elsewhere = ({ target }) => root.contains(target) || open(false);
  document.addEventListener("pointerdown", elsewhere, { capture: true, signal });
  /** Put other words on the button. */
  const say = (shown) => {
    if (text.textContent === shown) return;
    text.textContent = shown;
    opener.setAttribute("aria-label", `${label}: ${shown}`);
  };
  return { root, box, say, close: () => open(false) };
}
