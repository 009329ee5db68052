// The list of techniques: groups of options, each with what it costs on the base.

let lists = 0;

function part(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

const hidden = (element) => (element.setAttribute("aria-hidden", "true"), element);

/** How the groups stand while nothing is searched: first choices, then the others by family. */
function grouped(entries) {
  const groups = new Map([["Good first choices", entries.filter((entry) => entry.first)]]);
  for (const entry of entries.filter((entry) => !entry.first)) {
    groups.set(entry.family, [...(groups.get(entry.family) ?? []), entry]);
  }
  return [...groups].filter(([, members]) => members.length);
}

/** In words what an option's columns show. */
function spoken(entry, fit) {
  const words = [entry.title];
  if (fit?.why) words.push(`does not work here: ${fit.why}`);
  if (fit?.cost) words.push(`${fit.exact} trainable parameters, ${fit.share}`);
  if (!entry.trains) words.push("trains nothing");
  if (entry.merges) words.push("can be merged");
  if (entry.bits.length) words.push(`works with ${entry.bits.join("-bit and ")}-bit bases`);
  return words.join(", ");
}

function option(entry, id) {
  const row = part("div", "wt-option");
  Object.assign(row, { id });
  row.setAttribute("role", "option");
  row.dataset.name = entry.name;
  const name = part("span", "wt-name", part("b", "", entry.title));
  if (entry.first) name.append(part("span", "wt-hint", entry.first));
  const bits = entry.bits.length ? entry.bits.join(", ") : "–";
  row.append(
    name,
    part("span", "wt-cost"),
    part("span", "wt-share"),
    part("span", "wt-merges", entry.merges ? "✓" : entry.merges === null ? "" : "–"),
    part("span", "wt-bits", bits),
    part("span", "wt-why"),
  );
  return row;
}

/**
 * Make the list.
 *
 * `show` fills it, `cost` writes into its rows what is known of the base, and `mark` makes one of
 * them the active one. Rows are made once for what is shown: figures come in by and by.
 */
export function makeList() {
  const id = `wt-list-${Math.random().toString(36).slice(2)}-${lists++}`;
  const element = part("div", "wt-list");
  Object.assign(element, { id });
  element.setAttribute("role", "listbox");
  element.setAttribute("aria-label", "Techniques");
  element.tabIndex = -1; // the search field has the focus: else a scroll area is a stop of the Tab key
  let shown = [];
  let rows = new Map();

  function group(title, entries, number) {
    const heading = part("div", "wt-group", title);
    heading.id = `${id}-group-${number}`;
    const box = part("div", "", heading);
    box.setAttribute("role", "group");
    box.setAttribute("aria-labelledby", heading.id);
    for (const entry of entries) {
      const row = option(entry, `${id}-${entry.name}`);
      rows.set(entry.name, row);
      box.append(row);
    }
    return box;
  }

  return {
    element,
    id,
    get shown() {
      return shown;
    },
    row: (name) => rows.get(name),
    show(entries, searched) {
      rows = new Map();
      const groups = searched ? [[`${entries.length} found`, entries]] : grouped(entries);
      shown = groups.flatMap(([, members]) => members);
      element.replaceChildren(
        ...groups
          .filter(([, members]) => members.length)
          .map(([title, members], number) => group(title, members, number)),
      );
      element.scrollTop = 0;
    },
    clear() {
      rows = new Map();
      shown = [];
      element.replaceChildren();
    },
    cost(fits, chosen) {
      for (const entry of shown) {
        const row = rows.get(entry.name);
        const fit = fits[entry.name];
        row.classList.toggle("wt-unfit", Boolean(fit?.why));
        row.setAttribute("aria-selected", chosen.includes(entry.name));
        row.setAttribute("aria-label", spoken(entry, fit));
        const waiting = fit ? "" : "…";
        row.querySelector(".wt-cost").textContent = fit?.cost ?? (entry.trains ? waiting : "none");
        row.querySelector(".wt-share").textContent = fit?.share ?? "";
        row.querySelector(".wt-why").textContent = fit?.why ?? "";
      }
    },
    mark(name, scroll) {
      for (const [other, row] of rows) row.classList.toggle("wt-active", other === name);
      if (scroll) rows.get(name)?.scrollIntoView({ block: "nearest" });
    },
  };
}

/** The heads of the list's columns, which its options say in words. */
export function makeHeads() {
  const heads = [
    ["wt-name", "Technique"],
    ["wt-costs", "Trainable parameters"],
    ["wt-merges", "Merges"],
    ["wt-bits", "4/8-bit"],
  ];
  return hidden(part("div", "wt-heads", ...heads.map(([name, words]) => part("span", name, words))));
}
