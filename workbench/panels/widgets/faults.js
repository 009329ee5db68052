// Where something is wrong, the button that would train leads to the first of it.

const WRONG = "[aria-invalid='true'], .wb-problem, .wb-message.wb-problem";

/** Scroll to the first thing that is wrong in a panel, and put the focus there. */
function lead(panel) {
  const first = [...panel.querySelectorAll(WRONG)].find((part) => part.checkVisibility());
  if (!first) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  first.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
  if (first.tabIndex < 0) first.tabIndex = -1; // words can have the focus too
  first.focus({ preventScroll: true });
}

/** Lead from a panel's ".wb-fix" button to what is wrong. */
export function leadToFaults(inside, signal) {
  const onClick = ({ target }) => {
    const button = target instanceof Element && target.closest("button.wb-fix");
    if (button && button.closest(".workbench-bench") === inside()) lead(inside());
  };
  window.addEventListener("click", onClick, { capture: true, signal });
}
