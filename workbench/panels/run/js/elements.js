// Small helpers for making and changing what a page shows.

export function element(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

/** Write only what has changed: a page that is laid out anew takes time from what trains. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
