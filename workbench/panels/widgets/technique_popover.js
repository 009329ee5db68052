// Where the open picker lies: over everything, so that no scroll area of the notebook cuts it off.

const EDGE = 8; // px to the edges of the window
const WIDE = 1040;
const TALL = 600;
const LOW = 380; // px: with less room below or above the field, the picker lies over it

// A browser without popovers shows the picker below its field, as any other element.
const floats = (popover) => Boolean(popover.showPopover) && popover.matches(":popover-open");

/** Put the picker below its field, above it, or wherever there is room. */
export function place(popover, field) {
  if (!floats(popover)) return;
  const { left, top, bottom } = field.getBoundingClientRect();
  const width = Math.min(WIDE, innerWidth - 2 * EDGE);
  const below = innerHeight - bottom - EDGE - 4;
  const above = top - EDGE - 4;
  const room = Math.max(below, above);
  const height = Math.min(TALL, room >= LOW ? room : innerHeight - 2 * EDGE);
  const wanted = below >= Math.min(LOW, above) || room < LOW ? bottom + 4 : top - 4 - height;
  const at = (value, size, most) => Math.max(EDGE, Math.min(value, most - size - EDGE));
  Object.assign(popover.style, {
    left: `${at(left, width, innerWidth)}px`,
    top: `${at(wanted, height, innerHeight)}px`,
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
