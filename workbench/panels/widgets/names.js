// What ipywidgets tells no screen reader: the names of sliders, and which folds and cards are open.

function nameAll(panel) {
  for (const field of panel.querySelectorAll(".wb-with-slider")) {
    const name = field.querySelector(".widget-label")?.textContent ?? "";
    const handle = field.querySelector(".noUi-handle");
    if (handle && handle.getAttribute("aria-label") !== name) handle.setAttribute("aria-label", name);
  }
  for (const fold of panel.querySelectorAll("button.wb-fold")) {
    const open = String(fold.classList.contains("wb-open"));
    if (fold.getAttribute("aria-expanded") !== open) fold.setAttribute("aria-expanded", open);
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
