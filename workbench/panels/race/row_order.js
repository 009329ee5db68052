// The order of the rows: by place, or by the column whose heading was clicked.

const MOVE = 350; // ms that a row takes to its new place
// The first click on these brings the largest value to the top.
const LARGEST_FIRST = new Set(["progress", "score", "memory"]);

/** The rows' data in the order in which they are shown; rows without a value come last. */
export function sortRows(rows, { column, descending }) {
  const value = ({ values }) => values[column] ?? null;
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a.id - b.id;
    return sign * (x - y) || a.id - b.id;
  });
}

/** What a click on a heading sorts by: the other way round where it is sorted by already. */
export function nextOrder(order, column) {
  if (order.column === column) return { column, descending: !order.descending };
  return { column, descending: LARGEST_FIRST.has(column) };
}

/** Whether someone is about to click in the rows: they must not move away from under the pointer. */
const inUse = (body) => body.matches(":hover, :focus-within");

/**
 * Put rows into an order, and let those that move glide there.
 *
 * Where `patient`, nothing moves while the pointer or the focus is in the rows.
 */
export function arrange(body, wanted, patient) {
  const now = [...body.children];
  if (now.every((row, i) => row === wanted[i]) || (patient && inUse(body))) return;
  const focused = body.contains(document.activeElement) ? document.activeElement : null;
  const before = new Map(now.map((row) => [row, row.getBoundingClientRect().top]));
  body.replaceChildren(...wanted);
  focused?.focus({ preventScroll: true });
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const row of wanted) {
    const by = (before.get(row) ?? NaN) - row.getBoundingClientRect().top;
    if (by) {
      const from = { transform: `translateY(${by}px)` };
      row.animate([from, { transform: "none" }], { duration: MOVE, easing: "ease-in-out" });
    }
  }
}
