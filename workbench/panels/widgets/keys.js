// Keys belong to the control that has the focus, and not to the notebook around it.

// JupyterLab, and Notebook 7 with it, looks for this on the element that a key was pressed on.
const SUPPRESS = "data-lm-suppress-shortcuts";

/** Whether a control may have a use for a key: the notebook has commands on letters, arrows and Enter. */
function isForControl(control, { key, altKey, ctrlKey, metaKey, shiftKey }) {
  // It closes what is open; else the notebook goes to its command mode.
  if (key === "Escape") return control.closest("[data-escape]") !== null;
  if (/^F\d+$/.test(key)) return false;
  if (!(altKey || ctrlKey || metaKey)) return true;
  if (key.length > 1) return true; // an arrow, Enter, Home, Backspace
  return !altKey && (shiftKey ? /z/i : /[acvxyz]/i).test(key);
}

/**
 * Keep keys pressed within an element from being commands of the notebook.
 *
 * One listener serves all controls in it, also those that are made later. It comes before the
 * notebook's own, and takes nothing from the control, nor from the browser.
 */
export function keepKeys(inside, signal) {
  const mark = (event) => {
    const control = event.target;
    if (control instanceof Element && inside()?.contains(control)) {
      control.toggleAttribute(SUPPRESS, isForControl(control, event));
    }
  };
  window.addEventListener("keydown", mark, { capture: true, signal });
}
