// What is shown, as a file: made in the page, without a network.

import { paintSheet } from "./sheet.js";
import { SvgContext } from "./svg.js";

const SHARP = 2; // pixels of a PNG for each of the page
const NAME = "training-curves";
const PATIENT = 5000; // ms that a kernel may take to answer

/** Have the browser save a file. */
function save(blob, ending) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${NAME}.${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const measuring = () => document.createElement("canvas").getContext("2d");

export function savePng({ places, runs, options }) {
  const canvas = document.createElement("canvas");
  paintSheet(measuring(), places, runs, options, (width, height) => {
    canvas.width = width * SHARP;
    canvas.height = height * SHARP;
    const context = canvas.getContext("2d");
    context.scale(SHARP, SHARP);
    return context;
  });
  canvas.toBlob((blob) => save(blob, "png"));
}

export function saveSvg({ places, runs, options }) {
  const context = new SvgContext(measuring());
  let size;
  paintSheet(measuring(), places, runs, options, (...wanted) => {
    size = wanted;
    return context;
  });
  save(new Blob([context.finish(...size)], { type: "image/svg+xml" }), "svg");
}

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The points that the page has: fewer than the kernel, where curves were thinned or not shown. */
function csvOfThePage(store) {
  const rows = store.series.flatMap(({ id, key, label }) => {
    const { xs, ys } = store.points.get(id);
    const figure = key.slice(key.lastIndexOf("/") + 1);
    return xs.map((x, i) => [quoted(label), x, quoted(figure), ys[i]].join(","));
  });
  return ["run,step,figure,value", ...rows, ""].join("\n");
}

/** Save all points as CSV: those of the kernel, or those of the page where there is no kernel. */
export function saveCsv(model, store) {
  const write = (content) => save(new Blob([content], { type: "text/csv" }), "csv");
  if (store.gone) return write(csvOfThePage(store));
  const take = (buffer) => {
    clearTimeout(late);
    store.onCsv.delete(take);
    write(buffer ?? csvOfThePage(store));
  };
  const late = setTimeout(take, PATIENT);
  store.onCsv.add(take);
  model.send({ kind: "csv" });
}
