// Bring into sight what a click has made elsewhere in the panel.

const PATIENCE = 20000; // ms: a widget's parts come one after another

/**
 * On a message of the kernel, scroll to a part of the panel and give it the focus.
 *
 * Of several views of one panel, only that follows in which the click was.
 */
export function revealParts(model, panel, signal) {
  const onMessage = ({ reveal }) => {
    if (!reveal || !panel()?.contains(document.activeElement)) return;
    const until = performance.now() + PATIENCE;
    const look = () => {
      const part = panel()?.querySelector(reveal);
      // Its parts come in any order: only its button tells that it is there.
      const button = part?.querySelector(".wb-start:enabled");
      if (!button?.offsetHeight) return performance.now() < until && requestAnimationFrame(look);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      part.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
      button.focus({ preventScroll: true });
    };
    look();
  };
  model.on("msg:custom", onMessage);
  signal.addEventListener("abort", () => model.off("msg:custom", onMessage));
}
