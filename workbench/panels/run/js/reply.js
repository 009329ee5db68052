// One model's answer: a text, the probabilities of labels as bars, or words with their tags.

import { element } from "./elements.js";

const percent = (value) => `${(100 * value).toFixed(value < 0.1 || value > 0.99 ? 1 : 0)}%`;

function bars(reply) {
  const list = element("ul", "wb-probabilities");
  for (const [label, probability] of reply.labels) {
    const row = element("li", "");
    const bar = element("span", "wb-probability");
    bar.append(element("i", ""));
    bar.firstChild.style.width = `${100 * probability}%`;
    row.append(
      element("span", "wb-label-name", { textContent: label }),
      bar,
      element("b", "", { textContent: percent(probability) }),
    );
    list.append(row);
  }
  if (reply.more) list.append(element("li", "wb-quiet", { textContent: `and ${reply.more} more labels` }));
  return list;
}

function tagged(reply) {
  const line = element("p", "wb-tagged");
  for (const [word, tag] of reply.tags) {
    const part = element("span", tag === "O" ? "" : "wb-tag-word", { textContent: word });
    if (tag !== "O") part.append(element("small", "", { textContent: tag }));
    line.append(part, " ");
  }
  return line;
}

/** Show an answer in full. */
export function fullReply(reply) {
  const box = element("div", "wb-reply");
  if (reply.labels.length) box.append(bars(reply));
  else if (reply.tags.length) box.append(tagged(reply));
  else if (reply.text?.trim()) box.append(element("p", "wb-reply-text", { textContent: reply.text.trim() }));
  else box.append(element("p", "wb-quiet", { textContent: "It ends at once: an empty answer." }));
  if (reply.note) box.append(element("p", "wb-quiet", { textContent: reply.note }));
  return box;
}

/** Show an answer in a line, with a mark where it is right or wrong. */
export function shortReply(reply) {
  const box = element("span", "wb-short");
  if (!reply) return Object.assign(box, { textContent: "–" });
  if (reply.right !== null) {
    const mark = element("span", reply.right ? "wb-right" : "wb-wrong");
    mark.append(
      element("span", "", { textContent: reply.right ? "✓" : "✗", ariaHidden: "true" }),
      element("span", "wb-unseen", { textContent: reply.right ? "right: " : "wrong: " }),
    );
    box.append(mark);
  }
  const [first] = reply.labels;
  const text = first
    ? `${first[0]} ${percent(first[1])}`
    : reply.tags.length
      ? reply.tags.map(([, tag]) => tag).join(" ")
      : reply.text?.trim() || "(empty)";
  box.append(element("span", "", { textContent: text }));
  return box;
}
