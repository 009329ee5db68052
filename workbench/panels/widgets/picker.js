// A <select> with groups; its last entry opens a text field.

const OTHER = "\u0000other";

function element(tag, className, properties = {}) {
  return Object.assign(document.createElement(tag), { className, ...properties });
}

export default {
  render({ model, el }) {
    // Each widget has this module to itself, so that counting would give all of them one id.
    const id = `wb-picker-${Math.random().toString(36).slice(2)}`;
    const label = element("label", "wb-label", { htmlFor: id });
    const select = element("select", "wb-select", { id });
    const text = element("input", "wb-text", { type: "text", spellcheck: false });
    el.classList.add("wb-picker");
    el.append(label, select, text);
    let typing = false;

    const fill = () => {
      select.replaceChildren(
        ...model.get("groups").map(([title, options]) => {
          const group = element("optgroup", "", { label: title });
          group.append(...options.map(([value, words]) => new Option(words, value)));
          return group;
        }),
      );
      if (model.get("other")) {
        const group = element("optgroup", "", { label: "Your own" });
        group.append(new Option(model.get("other"), OTHER));
        select.append(group);
      }
      show();
    };
    const show = () => {
      const value = model.get("value");
      const known = [...select.options].some((option) => option.value === value);
      label.textContent = model.get("label");
      select.title = text.title = model.get("hint");
      if (!known && !model.get("other")) {
        select.querySelector("[data-stray]")?.remove();
        const stray = new Option(value, value);
        stray.dataset.stray = true;
        select.append(stray);
      }
      if (known) typing = false;
      select.value = known || !model.get("other") ? value : OTHER;
      text.hidden = known || !model.get("other");
      text.placeholder = model.get("placeholder");
      text.setAttribute("aria-label", `${model.get("label")}: ${model.get("placeholder")}`);
      if (!text.hidden && document.activeElement !== text) text.value = value;
    };
    const tell = (value) => {
      model.set("value", value);
      model.save_changes();
    };
    select.addEventListener("change", () => {
      if (select.value !== OTHER) return tell(select.value);
      typing = true;
      text.hidden = false;
      text.value = "";
      text.focus();
    });
    text.addEventListener("change", () => tell(text.value.trim()));
    text.addEventListener("keydown", ({ key }) => key === "Enter" && text.blur());
    model.on("change:groups", fill);
    for (const name of ["label", "hint", "placeholder"]) {
      model.on(`change:${name}`, () => typing || show());
    }
    model.on("change:value", () => {
      typing = false;
      show();
    });
    fill();
  },
};
