// Help opens from the "?" next to a setting's name: by pointer, focus or click. Escape closes it.

const OPEN_AFTER = 250; // ms that the pointer rests on it
const CLOSE_AFTER = 200; // ms that the pointer may take from the "?" to the text
const GAP = 6; // pixels

/** Put an open text below its "?", or above it where there is no room, within the window. */
function place(tip, ask) {
  const at = ask.getBoundingClientRect();
  const box = tip.getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  const below = at.bottom + GAP + box.height <= clientHeight || at.top < box.height + GAP;
  tip.style.top = `${below ? at.bottom + GAP : at.top - GAP - box.height}px`;
  tip.style.left = `${Math.max(GAP, Math.min(at.left - 12, clientWidth - box.width - GAP))}px`;
}

/** Show the help of a panel's settings, of those that are made later too. */
export function showHelp(inside, signal) {
  let open; // the "?" whose text is shown
  let pinned = false; // by a click: it stays when the pointer leaves
  let timer = 0;

  const hide = () => {
    clearTimeout(timer);
    open?.nextElementSibling?.hidePopover?.();
    open?.setAttribute("aria-expanded", "false");
    open = undefined;
    pinned = false;
  };
  const show = (ask) => {
    clearTimeout(timer);
    if (open === ask || !ask.isConnected) return;
    hide();
    const tip = ask.nextElementSibling;
    tip.showPopover();
    place(tip, ask);
    ask.setAttribute("aria-expanded", "true");
    open = ask;
  };
  const later = (act, after) => {
    clearTimeout(timer);
    timer = setTimeout(act, after);
  };
  /** Return the "?" that an element belongs to; a race within a bench looks after its own. */
  const askOf = (target) => {
    const part = target instanceof Element && target.closest(".wb-explain, .wb-field .widget-label");
    if (!part || part.closest(".workbench-bench") !== inside()) return undefined;
    return part.closest(".wb-field")?.querySelector(".wb-explain");
  };
  const inTip = (target) => open?.nextElementSibling.contains(target);

  const listen = (name, act) =>
    window.addEventListener(name, act, { capture: true, signal });
  listen("pointerover", ({ target, pointerType }) => {
    if (pointerType === "touch") return;
    const ask = askOf(target);
    if (ask) later(() => show(ask), OPEN_AFTER);
    else if (inTip(target)) clearTimeout(timer);
    else if (open && !pinned && document.activeElement !== open) later(hide, CLOSE_AFTER);
    else if (!open) clearTimeout(timer);
  });
  listen("focusin", ({ target }) => {
    if (target instanceof Element && target.matches(".wb-explain")) {
      const ask = askOf(target);
      if (ask) show(ask);
    } else if (open) hide();
  });
  listen("click", ({ target }) => {
    const ask = target instanceof Element && target.matches(".wb-explain") && askOf(target);
    if (!ask) return open && !inTip(target) && hide();
    if (open === ask && pinned) return hide();
    show(ask);
    pinned = true;
  });
  listen("keydown", (event) => {
    if (event.key !== "Escape" || !open) return;
    hide();
    // The notebook would leave the panel.
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  listen("scroll", ({ target }) => open && !inTip(target) && hide());
  signal.addEventListener("abort", hide);
}
