// Finding techniques by what is typed: names first, then families, papers and descriptions.

/** Text as it is compared: "IA³" as "ia3", "C³A" as "c3a". */
function plain(text) {
  return text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
}

const letters = (text) => plain(text).replace(/[^\p{L}\p{N}]/gu, "");

/** Words with a space before each, so that " word" is found at the beginning of words only. */
const spaced = (text) => ` ${plain(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean).join(" ")}`;

/** Prepare entries for searching. */
export function makeIndex(entries) {
  return entries.map((entry) => {
    const { name, title, family, words, paper, summary } = entry;
    const fields = [`${title} ${family}`, words, paper, summary].map(spaced);
    return { entry, names: [letters(name), letters(title)], fields, all: fields.join(" ") };
  });
}

/** How well an entry matches: 0 is best, Infinity not at all. */
function rank({ names, fields, all }, query) {
  const typed = letters(query);
  if (names.includes(typed)) return 0;
  if (names.some((name) => name.startsWith(typed))) return 1;
  const phrase = spaced(query);
  const field = fields.findIndex((text) => text.includes(phrase));
  if (field >= 0) return 2 + field;
  if (typed.length > 1 && names.some((name) => name.includes(typed))) return 6;
  const words = phrase.trim().split(" ");
  return words.every((word) => all.includes(` ${word}`)) ? 7 : Infinity;
}

/** The entries that match, the best first; equally good ones stay in their order. */
export function search(index, query) {
  if (!letters(query)) return index.map(({ entry }) => entry);
  return index
    .map((item) => [rank(item, query), item.entry])
    .filter(([score]) => score < Infinity)
    .sort(([one], [other]) => one - other)
    .map(([, entry]) => entry);
}
