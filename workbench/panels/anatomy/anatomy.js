// The model as a tree with ticks, the figures that follow them, and the picture of one layer.

import { keepKeys } from "../widgets/keys.js";

const OPEN_LAYERS = 96; // boxes in a row of layers; more of them would fill the screen

function element(tag, className, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), { className, ...properties });
  made.append(...children);
  return made;
}

const times = (shape) => shape.map((size) => size.toLocaleString("en")).join(" × ");

/** How much of a module is trained: its colour. */
function state(node) {
  const added = node.injected.some((piece) => piece.trainable);
  if (!node.trainable) return "frozen";
  if (added) return "added";
  return node.trainable === node.parameters ? "trained" : "partly";
}

const WORDS = {
  frozen: "frozen",
  added: "frozen, with something trained beside it",
  partly: "partly trained",
  trained: "trained",
};

/** A box that is ticked, half ticked or not, of all that can be wrapped at a node and below. */
function tickOf(node, send) {
  const tick = element("input", "wa-tick", { type: "checkbox" });
  tick.dataset.path = node.path;
  tick.checked = node.ticked === node.can;
  tick.indeterminate = node.ticked > 0 && node.ticked < node.can;
  tick.setAttribute("aria-label", `Wrap ${node.path || "everything"}`);
  tick.title = `${node.ticked} of ${node.can} wrapped`;
  tick.addEventListener("change", () =>
    send({ kind: "tick", path: node.path, on: tick.checked }),
  );
  return tick;
}

/** One box for each layer of a stack of blocks. */
function layersOf(node, send) {
  const row = element("div", "wa-layers", { role: "group" });
  row.setAttribute("aria-label", `Layers of ${node.path}`);
  node.layers.slice(0, OPEN_LAYERS).forEach(([can, ticked], index) => {
    const box = element("button", "wa-layer", { type: "button", textContent: index });
    box.dataset.path = `${node.path}#${index}`;
    box.dataset.some = ticked > 0 && ticked < can;
    box.disabled = !can;
    box.title = `Layer ${index}: ${ticked} of ${can} wrapped`;
    box.setAttribute("aria-label", `Layer ${index}`);
    box.setAttribute("aria-pressed", ticked > 0);
    box.addEventListener("click", () => send({ kind: "layer", path: node.path, index }));
    row.append(box);
  });
  return row;
}

/** A module's name, which draws it when it is pressed. */
function nameOf(node, drawn, pick) {
  const name = element("button", "wa-pick", { type: "button", textContent: node.name || node.kind });
  name.dataset.path = `draw ${node.path}`;
  name.setAttribute("aria-pressed", drawn);
  name.setAttribute("aria-label", `Draw ${node.path || node.kind}`);
  name.title = "Draw what the technique does here";
  name.addEventListener("click", () => pick(node.path));
  return name;
}

function rowOf(node, depth, many, closed, drawn, toggle, send, pick) {
  const row = element("div", `wa-row wa-${state(node)}`, { title: WORDS[state(node)] });
  row.dataset.module = node.path;
  row.classList.toggle("wa-drawn", drawn);
  // The whole row is a large place to click; by keyboard it is the name's button.
  row.addEventListener("click", (event) => {
    if (!event.target.closest("button, input")) pick(node.path);
  });
  row.style.setProperty("--depth", depth);
  const twist = element(node.children.length ? "button" : "span", "wa-twist");
  if (node.children.length) {
    twist.type = "button";
    twist.textContent = closed ? "▸" : "▾";
    twist.setAttribute("aria-label", `${closed ? "Open" : "Close"} ${node.path || node.kind}`);
    twist.setAttribute("aria-expanded", !closed);
    twist.dataset.path = `twist ${node.path}`;
    twist.addEventListener("click", () => toggle(node.path));
  }
  const name = element("span", "wa-name");
  name.append(nameOf(node, drawn, pick));
  if (many) name.append(element("span", "wa-many", { textContent: `× ${node.count}` }));
  if (node.name) name.append(element("span", "wa-kind", { textContent: node.kind }));
  for (const piece of node.injected) {
    name.append(
      element(
        "span",
        `wa-chip ${piece.trainable ? "" : "wa-still"}`,
        { title: piece.trainable ? "added, trained" : "added, frozen" },
        piece.name,
        element("small", "", { textContent: times(piece.shape) }),
      ),
    );
  }
  const trained = node.trainable ? node.trainable.toLocaleString("en") : "";
  row.append(
    twist,
    node.can ? tickOf(node, send) : element("span", "wa-tick"),
    name,
    element("span", "wa-shape", { textContent: times(node.shape) }),
    element("span", "wa-count", { textContent: node.parameters.toLocaleString("en") }),
    element("span", "wa-count wa-learnt", { textContent: trained }),
  );
  return row;
}

export default {
  render({ model, el, signal }) {
    el.classList.add("workbench-anatomy");
    keepKeys(() => el, signal);
    const figures = element("dl", "wa-figures");
    const said = element("p", "wa-said", { role: "status" });
    const tree = element("div", "wa-tree");
    const code = element("code", "wa-code");
    const drawing = element("div", "wa-drawing");
    const picture = element("figure", "wa-picture", {}, drawing);
    drawing.setAttribute("aria-live", "polite");
    const side = element("div", "wa-side", {}, picture, code);
    el.append(figures, said, element("div", "wa-parts", {}, tree, side));
    const closed = new Set();

    const send = (content) => {
      el.dataset.busy = true; // until the kernel has counted
      model.send(content);
    };
    const pick = (path) => model.send({ kind: "pick", path });
    const toggle = (path) => {
      if (!closed.delete(path)) closed.add(path);
      plant();
    };
    const plant = () => {
      const held = document.activeElement?.dataset?.path;
      const { tree: root, layer } = model.get("content");
      const rows = [];
      const grow = (node, depth, count) => {
        const shut = closed.has(node.path);
        const drawn = node.path === layer;
        rows.push(rowOf(node, depth, node.count > count, shut, drawn, toggle, send, pick));
        if (node.layers.length > 1) {
          const layers = layersOf(node, send);
          layers.style.setProperty("--depth", depth);
          rows.push(layers);
        }
        if (!shut) node.children.forEach((child) => grow(child, depth + 1, node.count));
      };
      if (root) grow(root, 0, 1);
      const head = element("div", "wa-row wa-head");
      const words = ["Module", "Shape", "Parameters", "Trained"];
      head.append(...words.map((word) => element("span", "", { textContent: word })));
      tree.replaceChildren(...(root ? [head] : []), ...rows);
      // What had the keyboard has it still.
      if (held !== undefined) {
        [...tree.querySelectorAll("[data-path]")].find((one) => one.dataset.path === held)?.focus();
      }
    };
    const show = () => {
      const content = model.get("content");
      delete el.dataset.busy;
      figures.replaceChildren(
        ...(content.figures ?? []).map(({ label, value, more, title }) =>
          element(
            "div",
            "",
            { title },
            element("dt", "", { textContent: label }),
            element("dd", "", { textContent: value }, element("small", "", { textContent: more })),
          ),
        ),
      );
      said.textContent = content.problem || content.why || "";
      said.hidden = !said.textContent;
      said.classList.toggle("wa-problem", Boolean(content.problem));
      code.textContent = content.code ?? "";
      code.hidden = !content.code;
      drawing.innerHTML = content.picture ?? ""; // made by us, every word in it escaped
      picture.hidden = !content.picture;
      plant();
    };
    model.on("change:content", show);
    show();
  },
};
