// What a chart knows, shared by all views of one widget.

import { watchKernel } from "./kernel.js";

const SHOWN = 2000;

/** Keep the lowest and highest point of each bucket, the first and the last, in place. */
export function thin(points, limit = SHOWN) {
  const { xs, ys } = points;
  const size = ys.length;
  if (size <= limit) return;
  const buckets = limit / 2 - 1;
  const keep = [0];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = 1 + Math.floor((bucket * (size - 2)) / buckets);
    const end = 1 + Math.floor(((bucket + 1) * (size - 2)) / buckets);
    let low = -1;
    let high = -1;
    for (let i = start; i < end; i++) {
      if (Number.isNaN(ys[i])) continue;
      if (low < 0 || ys[i] < ys[low]) low = i;
      if (high < 0 || ys[i] > ys[high]) high = i;
    }
    if (low < 0) continue;
    keep.push(Math.min(low, high));
    if (low !== high) keep.push(Math.max(low, high));
  }
  keep.push(size - 1);
  points.xs = keep.map((i) => xs[i]);
  points.ys = keep.map((i) => ys[i]);
}

/** Read [id, count] pairs and their packed numbers: the x of a series, then its y. */
function* unpack(counts, view) {
  // Copied: Jupyter's buffers need not begin at a multiple of eight.
  const { buffer, byteOffset, byteLength } = view;
  const values = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  let at = 0;
  for (const [id, count] of counts) {
    yield [id, values.subarray(at, at + count), values.subarray(at + count, at + 2 * count)];
    at += 2 * count;
  }
}

export function createStore(model) {
  const store = {
    n: 0,
    series: [],
    highlight: null,
    gone: false,
    hidden: new Set(),
    points: new Map(),
    views: new Set(),
  };
  let saving = false;
  let asked = false;

  const changed = () => store.views.forEach((redraw) => redraw());

  const add = (counts, buffer) => {
    for (const [id, xs, ys] of unpack(counts, buffer)) {
      const points = store.points.get(id);
      if (!points) continue;
      for (const x of xs) points.xs.push(x);
      for (const y of ys) points.ys.push(y);
      if (ys.length) points.last = ys[ys.length - 1];
      if (points.ys.length > 2 * SHOWN) thin(points);
    }
  };

  const describe = ({ series, highlight }) => {
    store.series = series;
    store.highlight = highlight ?? null;
    const old = store.points;
    store.points = new Map(
      series.map(({ id }) => [id, old.get(id) ?? { xs: [], ys: [], last: NaN }]),
    );
  };

  const load = (history) => {
    store.points.clear();
    store.n = history.n;
    asked = false;
    describe(history);
    add(history.counts, history.values);
    changed();
  };

  // Kept in the model, never sent back: what a notebook saves with its widgets is then whole.
  const keep = () => {
    const counts = store.series.map(({ id }) => [id, store.points.get(id).ys.length]);
    const values = new Float64Array(2 * counts.reduce((sum, [, count]) => sum + count, 0));
    let at = 0;
    for (const [id, count] of counts) {
      const { xs, ys } = store.points.get(id);
      values.set(xs, at);
      values.set(ys, at + count);
      at += 2 * count;
    }
    const { n, series, highlight } = store;
    saving = true;
    model.set("_history", { n, counts, series, highlight, values: new DataView(values.buffer) });
    saving = false;
  };

  const receive = (message, buffers) => {
    if (message.kind === "snapshot") {
      load({ ...message, values: buffers[0] });
      keep();
    }
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
    keep();
    changed();
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

  store.toggle = (id) => {
    store.hidden.has(id) ? store.hidden.delete(id) : store.hidden.add(id);
    changed();
  };

  store.visible = () => store.series.filter(({ id }) => !store.hidden.has(id));
  return store;
}
