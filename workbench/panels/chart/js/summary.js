// What a plot shows, in words.

import { formatValue } from "./numbers.js";

export const THINNED = "thinned: only the lowest and highest point of each section are drawn";

/** Whether the points of a line stand for more of them. */
export const isThinned = ({ ys, total }) => total > ys.length;
export const isFilled = ({ ys }) => ys.length > 0;

/** The text in place of the picture: the points of each line, and the last of them. */
export function summarise(plot, axisTitle) {
  const each = plot.lines.filter(isFilled).map(({ label, style, total, last }) => {
    const name = plot.isLoss && style === "points" ? `${label}, evaluation` : label;
    return `${name}: ${total} point${total === 1 ? "" : "s"}, last ${formatValue(last, plot.unit)}`;
  });
  const how = plot.lines.some(isThinned) ? ` Curves are ${THINNED}.` : "";
  return `Chart of ${plot.title.toLowerCase()} by ${axisTitle}. ${each.join("; ") || plot.waiting}.${how}`;
}
