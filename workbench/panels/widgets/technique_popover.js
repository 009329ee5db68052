// Where the open picker lies: over everything, so that no scroll area of the notebook cuts it off.

const EDGE = 8; // px to the edges of the window
const WIDE = 1040;
const TALL = 600;
const LOW = 380; // px: with less room below or above the field, the picker lies over it

// A browser without popovers shows the picker below its field, as any other element.
const floats = (popover) => Boolean(popover.showPopover) && popover.matches(":popover-open");

/** How far down the picker may reach: over the notebook, but not over JupyterLab's bar below it. */
function lowest(field) {
  let end = innerHeight;
  for (let at = field.parentElement; at; at = at.parentElement) {
    // The outermost scroll area is the notebook; one within it may be too low for the picker.
    const scrolls = /auto|scroll/.test(getComputedStyle(at).overflowY);
    if (scrolls) end = at.getBoundingClientRect().bottom;
  }
  return Math.min(end, innerHeight);
}

/** Put the picker below its field, above it, or wherever there is room. */
export function place(popover, field) {
  if (!floats(popover)) return;
  const { left, top, bottom } = field.getBoundingClientRect();
  const width = Math.min(WIDE, innerWidth - 2 * EDGE);
  const end = lowest(field);
  const below = end - bottom - EDGE - 4;
  const above = top - EDGE - 4;
  const room = Math.max(below, above);
  const height = Math.min(TALL, room >= LOW ? room : end - 2 * EDGE);
  const wanted = below >= Math.min(LOW, above) || room < LOW ? bottom + 4 : top - 4 - height;
  const at = (value, size, most) => Math.max(EDGE, Math.min(value, most - size - EDGE));
  Object.assign(popover.style, {
    left: `${at(left, width, innerWidth)}px`,
    top: `${at(wanted, height, end)}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
}

/** Show the picker of a field. */
export function open(popover, field) {
  popover.hidden = false;
  if (!popover.showPopover) return popover.classList.add("wt-inline");
  popover.popover = "manual";
  popover.showPopover();
  place(popover, field);
}

export function close(popover) {
  if (floats(popover)) popover.hidePopover();
  popover.hidden = true;
}
