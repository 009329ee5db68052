// The elements that the chart's controls are made of.

export function element(tag, className, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), { className, ...properties });
  made.append(...children);
  return made;
}

export function button(words, properties = {}, className = "") {
  return element("button", className, { type: "button", ...properties }, words);
}

export function drawing(width, height, content) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = content;
  return svg;
}

/** The line of a run, as the legend and the read-out show it. */
export function swatch({ colour, dashed }) {
  const dashes = dashed ? ` stroke-dasharray="6 2"` : "";
  const svg = drawing(14, 8, `<path d="M0 4h14" stroke-width="3"${dashes}/>`);
  svg.setAttribute("stroke", colour);
  return svg;
}

/** Down onto a tray: to be saved. */
export const arrow = () =>
  drawing(13, 13, `<path d="M6.5 1v7M3.5 5.5l3 3 3-3M1 9v3h11V9" fill="none" stroke="currentColor" stroke-width="1.4"/>`);

export const chevron = () =>
  drawing(9, 6, `<path d="M1 1l3.5 3.5L8 1" fill="none" stroke="currentColor" stroke-width="1.5"/>`);
