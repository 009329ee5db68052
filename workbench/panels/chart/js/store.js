// What a chart knows, shared by all views of one widget.

import { watchKernel } from "../../widgets/kernel.js";

const SHOWN = 2000;

/**
 * Keep the lowest and highest point of each stretch, the first and the last, in place.
 *
 * Stretches are equally long in x, as pixels are: what was thinned before loses no more than the rest.
 */
export function thin(points, limit = SHOWN) {
  const { xs, ys } = points;
  const size = ys.length;
  if (size <= limit) return;
  const stretches = limit / 2 - 1;
  const wide = (xs[size - 1] - xs[0]) / stretches;
  const keep = [0];
  let at = 1;
  for (let stretch = 1; stretch <= stretches; stretch++) {
    const end = stretch === stretches ? Infinity : xs[0] + stretch * wide;
    let low = -1;
    let high = -1;
    for (; at < size - 1 && xs[at] <= end; at++) {
      if (Number.isNaN(ys[at])) continue;
      if (low < 0 || ys[at] < ys[low]) low = at;
      if (high < 0 || ys[at] > ys[high]) high = at;
    }
    if (low < 0) continue;
    keep.push(Math.min(low, high));
    if (low !== high) keep.push(Math.max(low, high));
  }
  keep.push(size - 1);
  points.xs = keep.map((i) => xs[i]);
  points.ys = keep.map((i) => ys[i]);
}

/** Read [id, count, total] and their packed numbers: the x of a series, then its y. */
function* unpack(counts, view) {
  // Copied: Jupyter's buffers need not begin at a multiple of eight.
  const { buffer, byteOffset, byteLength } = view;
  const values = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  let at = 0;
  for (const [id, count, total] of counts) {
    yield [id, total, values.subarray(at, at + count), values.subarray(at + count, at + 2 * count)];
    at += 2 * count;
  }
}

/** The run that a series belongs to: what stands before the last slash. */
const runOf = (key) => key.slice(0, Math.max(key.lastIndexOf("/"), 0)) || key;

export function createStore(model) {
  const store = {
    n: 0,
    series: [],
    references: [],
    highlight: null, // as the kernel says
    hovered: null, // the run whose name in the legend is pointed at
    gone: false,
    hidden: new Set(), // runs
    points: new Map(),
    views: new Set(),
    onCsv: new Set(),
  };
  let saving = false;
  let asked = false;

  const changed = (grown = false) => store.views.forEach((view) => view(grown));

  const add = (counts, buffer) => {
    for (const [id, total, xs, ys] of unpack(counts, buffer)) {
      const points = store.points.get(id);
      if (!points) continue;
      points.total = total; // what these points stand for
      for (const x of xs) points.xs.push(x);
      for (const y of ys) points.ys.push(y);
      if (ys.length) points.last = ys[ys.length - 1];
      if (points.ys.length > 2 * SHOWN) thin(points);
    }
  };

  const describe = ({ series, references, highlight }) => {
    store.series = series.map((one) => ({ ...one, run: runOf(one.key) }));
    store.references = references ?? [];
    store.highlight = highlight ?? null;
    const old = store.points;
    store.points = new Map(
      series.map(({ id }) => [id, old.get(id) ?? { xs: [], ys: [], last: NaN, total: 0 }]),
    );
  };

  const pack = () => {
    const arrays = store.series.flatMap(({ id }) => [store.points.get(id).xs, store.points.get(id).ys]);
    return new DataView(Float64Array.from(arrays.flat()).buffer);
  };

  // What a notebook saves with its widgets is whole, and made when it is saved; it is never sent back.
  const keep = () => {
    saving = true;
    model.set("_history", {
      get n() {
        return store.n;
      },
      get counts() {
        return store.series.map(({ id }) => {
          const { ys, total } = store.points.get(id);
          return [id, ys.length, total];
        });
      },
      get series() {
        return store.series;
      },
      get references() {
        return store.references;
      },
      get highlight() {
        return store.highlight;
      },
      get values() {
        return pack();
      },
    });
    saving = false;
  };

  const load = (history) => {
    store.points.clear();
    store.n = history.n;
    asked = false;
    describe(history);
    add(history.counts, history.values);
    keep();
    changed();
  };

  const receive = (message, buffers) => {
    if (message.kind === "csv") store.onCsv.forEach((take) => take(buffers[0]));
    if (message.kind === "snapshot") load({ ...message, values: buffers[0] });
    if (message.kind !== "points" || message.n <= store.n) return;
    if (message.n > store.n + 1) {
      // One was lost. The snapshot holds it, and all that come before the snapshot does.
      if (!asked) model.send({ kind: "snapshot" });
      asked = true;
      return;
    }
    store.n = message.n;
    if (message.series) describe(message);
    add(message.counts, buffers[0]);
    changed(!message.series);
  };

  store.start = (signal) => {
    load(model.get("_history"));
    model.on("msg:custom", receive);
    model.on("change:_history", () => saving || load(model.get("_history")));
    watchKernel(model, signal, () => {
      store.gone = true;
      changed();
    });
  };

  /** The runs, in the order in which they came, with their names and colours. */
  store.runs = () => {
    const runs = new Map();
    for (const { run, label, colour } of store.series) {
      if (!runs.has(run)) runs.set(run, { run, label, colour });
    }
    return [...runs.values()];
  };

  store.toggle = (run) => {
    store.hidden.has(run) ? store.hidden.delete(run) : store.hidden.add(run);
    if (store.hovered === run) store.hovered = null; // what is hidden has nothing to bring to the front
    changed();
  };

  /** Show one run alone; all again where it is alone already. */
  store.solo = (run) => {
    const others = store.runs().map((one) => one.run).filter((one) => one !== run);
    const alone = !store.hidden.has(run) && others.every((one) => store.hidden.has(one));
    store.hidden = new Set(alone ? [] : others);
    changed();
  };

  store.showAll = () => {
    store.hidden.clear();
    changed();
  };

  store.hover = (run) => {
    if (store.hovered === run) return;
    store.hovered = run;
    changed();
  };

  return store;
}
