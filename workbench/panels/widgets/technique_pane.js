// What the technique is that one is at: its sentence, its picture and what it does to the base.

function line(className, text) {
  return Object.assign(document.createElement("p"), { className, textContent: text });
}

/** What an entry says of merging and of quantized bases. */
function traits({ merges, bits }) {
  const merging = merges ? "Can be merged into the base afterwards" : "Cannot be merged into the base";
  const quantized = `Works with ${bits.join("-bit and ")}-bit bases`;
  const lines = [[bits.length, bits.length ? quantized : "Needs a base in full precision"]];
  if (merges !== null) lines.unshift([merges, merging]);
  return lines.map(([yes, words]) => {
    const item = Object.assign(document.createElement("li"), { textContent: words });
    item.className = yes ? "wt-yes" : "wt-no";
    return item;
  });
}

/** Make the pane; `use` is called when its button is pressed, which is for fingers. */
export function makePane(use) {
  const element = document.createElement("div");
  element.className = "wt-pane";
  element.tabIndex = 0; // to be scrolled by keys
  element.setAttribute("role", "region");
  element.setAttribute("aria-label", "About the technique");
  const sentence = line("wt-sentence", "");
  sentence.id = `wt-sentence-${Math.random().toString(36).slice(2)}`;
  const picture = document.createElement("div");
  picture.className = "wt-picture";
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "wt-use" });
  button.addEventListener("click", use);

  return {
    element,
    sentence: sentence.id,
    show(entry, fit) {
      const another = element.dataset.of !== entry.name;
      element.dataset.of = entry.name;
      if (another) picture.replaceChildren();
      sentence.textContent = entry.summary;
      button.textContent = `Use ${entry.title}`;
      const title = document.createElement("h4");
      title.textContent = entry.title;
      const list = document.createElement("ul");
      list.className = "wt-traits";
      list.append(...(entry.trains ? traits(entry) : []));
      const said = [line("wt-family", entry.family), title];
      if (fit?.why) said.push(line("wt-refusal", fit.advice));
      said.push(sentence);
      if (fit?.cost) {
        const exact = `${fit.exact} trainable parameters on this base (${fit.share})`;
        said.push(line("wt-exact", exact));
      }
      element.replaceChildren(...said, picture, list);
      if (entry.paper) element.append(line("wt-paper", entry.paper));
      element.append(button);
      if (another) element.scrollTop = 0;
    },
    clear() {
      delete element.dataset.of;
      element.replaceChildren();
    },
    /** Show the picture of a technique, unless another one is shown by now. */
    draw(name, html) {
      if (element.dataset.of === name) picture.innerHTML = html;
    },
  };
}
