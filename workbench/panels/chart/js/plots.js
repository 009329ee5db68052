// Which plots there are, and what is in each: one for each metric, and for what cannot share an axis.

import { atSteps, smooth } from "./numbers.js";

const ALL_METRICS = "all";

const inWords = (name) => {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** The metrics that the runs have, in the order in which they are offered. */
export function metricsOf(store, known, axes) {
  const names = new Set(store.series.map(({ metric }) => metric));
  const listed = known.filter(({ name }) => names.has(name));
  const others = [...names]
    .filter((name) => !(name in axes) && !known.some((metric) => metric.name === name))
    .map((name) => ({ name, title: inWords(name), noisy: false, unit: "" }));
  return [...listed, ...others];
}

/** Whether a metric is a score of the task, and no figure that every run has. */
const isScore = ({ name }, known) => name === "score" || !known.some((metric) => metric.name === name);

export const isShown = (name, chosen) => chosen.includes(ALL_METRICS) || chosen.includes(name);

/** As in workbench.panels.chart.metrics.plot_title. */
function plotTitle(metric, group, several) {
  if (metric.name === "score") return group || metric.title;
  if (metric.name === "tokens_per_second" && group) return `${inWords(group)} per second`;
  return several && group ? `${metric.title}: ${group}` : metric.title;
}

/** How a run is drawn: more runs than colours have the colours again, with dashes. */
export const lookOf = (number, palette) => ({
  colour: palette[number % palette.length],
  dashed: Math.floor(number / palette.length) % 2 === 1,
});

/** A series as a line on the chosen axis; without points where it is not known there. */
function lineOf(store, series, metric, { axis, palette, smoothing }) {
  const points = store.points.get(series.id);
  const emphasized = store.hovered ?? store.highlight;
  const isMine = ({ run, key }) => run === emphasized || key === emphasized;
  const any = emphasized !== null && store.series.some(isMine);
  const line = {
    ...series,
    ...points,
    ...lookOf(series.colour, palette),
    faded: any && !isMine(series),
    smoothed: null,
  };
  if (smoothing && metric.noisy && series.style === "line" && points.ys.length > 1) {
    line.smoothed = smooth(points.xs, points.ys, smoothing);
  }
  if (axis === "step") return line;
  const other = store.series.find(({ run, metric }) => run === series.run && metric === axis);
  const places = other && store.points.get(other.id);
  if (!places?.ys.length) return { ...line, xs: [], ys: [], smoothed: null };
  return { ...line, xs: atSteps(points.xs, places) };
}

/**
 * The quiet lines of a plot: those on which all runs agree that have one.
 *
 * Of runs that do not, such as over other data, each has its own; they are shown for one run at a time.
 */
function referencesOf(store, metric, runs) {
  const mine = store.references.filter((one) => one.metric === metric && runs.has(one.run));
  const byLabel = new Map();
  for (const one of mine) byLabel.set(one.label, [...(byLabel.get(one.label) ?? []), one]);
  const shown = [];
  for (const [label, all] of byLabel) {
    const values = new Set(all.map(({ value }) => value));
    const chosen = all.find(({ run }) => run === (store.hovered ?? store.highlight));
    if (values.size === 1 || chosen) shown.push({ label, value: (chosen ?? all[0]).value });
  }
  return shown;
}

/** The plots to show, each with its lines. */
export function plotsOf(store, options) {
  const order = store.runs().map(({ run }) => run);
  const plots = unordered(store, options);
  // Of several tasks each has its loss and its score side by side.
  const rank = ({ metric, lines }) =>
    ["loss", "score"].includes(metric) ? Math.min(...lines.map(({ run }) => order.indexOf(run))) : Infinity;
  const ranks = new Map(plots.map((plot) => [plot, rank(plot)]));
  return plots.sort((a, b) => (ranks.get(a) === ranks.get(b) ? 0 : ranks.get(a) - ranks.get(b)));
}

function unordered(store, options) {
  const { known, axes, chosen } = options;
  const visible = store.series.filter(({ run }) => !store.hidden.has(run));
  return metricsOf(store, known, axes)
    .filter(({ name }) => isShown(name, chosen))
    .flatMap((metric) => {
      const all = visible.filter((series) => series.metric === metric.name);
      const groups = [...new Set(all.map(({ group }) => group))];
      return groups.map((group) => {
        const series = all.filter((one) => one.group === group);
        const lines = series.map((one) => lineOf(store, one, metric, options));
        const title = plotTitle(metric, group, groups.length > 1);
        const falls = ["loss", "grad_norm"].includes(metric.name) || title.endsWith("(lower is better)");
        return {
          id: `${metric.name} ${group}`,
          metric: metric.name,
          title,
          unit: metric.unit,
          noisy: metric.noisy,
          falls,
          rises: !falls && isScore(metric, known),
          waiting: metric.name === "score" ? "Not evaluated yet" : "No points yet",
          isLoss: metric.name === "loss",
          lines,
          references: referencesOf(store, metric.name, new Set(series.map(({ run }) => run))),
        };
      });
    });
}
