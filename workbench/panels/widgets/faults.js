// Where something is wrong, the button that would train leads to the first of it.

const WRONG = "[aria-invalid='true'], .wb-problem";
const TRIES = 40; // while the kernel opens what it is in
const TRY_EVERY = 75; // ms

/** Return the button that opens what a part is folded away in. */
function openerOf(part) {
  const card = part.closest(".wb-card.wb-folded");
  const fold = part.closest(".wb-form")?.previousElementSibling;
  return card ? card.querySelector(".wb-toggle") : fold?.closest(".wb-fold");
}

/** Scroll to a part, and put the focus there. */
function lead(part) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  part.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
  if (part.tabIndex < 0) part.tabIndex = -1; // words can have the focus too
  part.focus({ preventScroll: true });
}

/** Lead to the first thing that is wrong in a panel, once it can be seen. */
function leadToFirst(panel) {
  const wrong = [...panel.querySelectorAll(WRONG)];
  const first = wrong.find((part) => part.checkVisibility() || openerOf(part)) ?? wrong[0];
  if (!first) return;
  if (!first.checkVisibility()) openerOf(first)?.click();
  const wait = (tries) => {
    if (first.checkVisibility()) lead(first);
    else if (tries && first.isConnected) setTimeout(wait, TRY_EVERY, tries - 1);
  };
  wait(TRIES);
}

/** Lead from a panel's ".wb-fix" button to what is wrong. */
export function leadToFaults(inside, signal) {
  const onClick = ({ target }) => {
    const button = target instanceof Element && target.closest("button.wb-fix");
    if (button && button.closest(".workbench-bench") === inside()) leadToFirst(inside());
  };
  window.addEventListener("click", onClick, { capture: true, signal });
}
