// What holds for a whole panel: its keys, its clicks, and what it shows without its kernel.

import { ignoreDoubleClicks } from "./clicks.js";
import { leadToFaults } from "./faults.js";
import { showHelp } from "./help.js";
import { keepKeys } from "./keys.js";
import { watchKernel } from "./kernel.js";
import { nameControls } from "./names.js";
import { revealParts } from "./reveal.js";

// These need the kernel. What only shows something can still be read.
const CONTROLS =
  ".wb-cards, .wb-anatomy, .wb-dock, .wb-controls, .wb-name, .wb-results-bar, .wb-rules, " +
  ".wb-clone, .wb-grid-fold, .queue-name, .queue-controls, .wb-acts, .wb-hidden-runs, " +
  ".wb-try-run, .wb-ask, .wb-asked, .wb-examples-top, .wb-replace, .wb-older";
const GOING = ".wb-state, .queue-word";
const OVER = new Set(["finished", "stopped", "failed", "interrupted", "waiting"]);

/** Show that nothing in the panel goes on. Nothing moves: the banner lies over the panel. */
function close(panel, banner) {
  panel.classList.add("wb-gone");
  panel.querySelectorAll(CONTROLS).forEach((control) => (control.inert = true));
  panel.querySelectorAll(GOING).forEach((word) => {
    // Behind the state stands what is wrong with the run, and which batch it was at.
    const [state, ...more] = word.textContent.split(", ");
    if (!state || OVER.has(state)) return;
    const wrong = more.filter((part) => !part.startsWith("batch "));
    word.textContent = ["interrupted", ...wrong].join(", ");
  });
  banner.hidden = false;
}

export default () => {
  let gone = false;
  const views = new Set();

  function initialize({ model, signal }) {
    watchKernel(model, signal, () => {
      gone = true;
      views.forEach((view) => view());
    });
  }

  function render({ model, el, signal }) {
    const panel = () => el.closest(".workbench-bench");
    const banner = document.createElement("p");
    banner.className = "wb-banner";
    banner.setAttribute("role", "alert");
    banner.hidden = true;
    banner.textContent = model.get("without_kernel");
    el.append(banner);
    keepKeys(panel, signal);
    ignoreDoubleClicks(panel, signal);
    revealParts(model, panel, signal);
    showHelp(panel, signal);
    leadToFaults(panel, signal);
    const show = () => panel() && close(panel(), banner);
    views.add(show);
    signal.addEventListener("abort", () => views.delete(show));
    // The panel around it is there a moment later.
    const begin = () => {
      if (signal.aborted) return;
      if (!panel()) return requestAnimationFrame(begin);
      nameControls(panel(), signal);
      if (gone) show();
    };
    begin();
  }

  return { initialize, render };
};
