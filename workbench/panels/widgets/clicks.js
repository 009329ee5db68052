// The second half of a double click does nothing.

const APART = 500; // ms between two clicks that are both meant
const REACH = 8; // pixels: further apart, two clicks are at two places

/**
 * Swallow a click on a button that comes right after another one at the same place.
 *
 * The first may have started something: the second would start it again, or end it. Buttons that
 * switch something on and off, or sort, may be clicked as fast as one likes.
 */
export function ignoreDoubleClicks(inside, signal) {
  let last = { at: -Infinity };
  const onClick = (event) => {
    const button = event.target.closest?.("button");
    if (!button || !inside()?.contains(button)) return;
    if (button.matches("[aria-pressed], [aria-expanded], thead button")) return;
    // A key's click has no place: holding Enter down presses one button again and again.
    const key = event.detail === 0;
    const now = { at: performance.now(), x: event.clientX, y: event.clientY, key, button };
    const near = key || Math.hypot(now.x - last.x, now.y - last.y) <= REACH;
    const same = last.key === key && (last.button === button || near);
    const again = now.at - last.at < APART && same;
    last = now;
    if (!again) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("click", onClick, { capture: true, signal });
}
