// Numbers: as a person reads them, and what is computed of many of them.

const LOCALE = "en";
// Smoothing averages over parts of a long curve that are about as wide as four pixels of a small plot.
const UNITS = 120;

/** A value to four figures. */
function formatNumber(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("e-", "e−");
  return value.toLocaleString(LOCALE, { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
}

const SIZES = ["B", "kB", "MB", "GB", "TB"];
const powerOf = (bytes) => Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3 + 1e-9), 4);

/** Bytes, in the largest unit that fits or in a given one. */
export function formatBytes(value, power = powerOf(Math.abs(value))) {
  const shown = value / 1000 ** power;
  return `${shown.toLocaleString(LOCALE, { maximumFractionDigits: shown < 100 ? 1 : 0 })} ${SIZES[power]}`;
}

/** A value of a metric, as the read-out shows it. */
export function formatValue(value, unit = "") {
  if (value === undefined) return "";
  if (!Number.isFinite(value) || !unit) return formatNumber(value);
  if (unit === "bytes") return formatBytes(value);
  return value.toLocaleString(LOCALE, { maximumFractionDigits: value < 100 ? 1 : 0 });
}

export const formatStep = (x) => x.toLocaleString(LOCALE, { maximumFractionDigits: 2 });

/** Label ticks alike: as many decimals as tell neighbours apart. */
export function labelTicks(ticks, unit = "") {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  const smallest = Math.min(...ticks.filter((tick) => tick !== 0).map(Math.abs));
  if (unit === "bytes") return ticks.map((tick) => formatBytes(tick, powerOf(largest)));
  if (largest >= 1e4 || smallest < 1e-3) {
    return ticks.map((tick) => {
      if (tick === 0) return "0";
      if (Math.abs(tick) < 1e-3) {
        return String(Number(tick.toPrecision(4)).toExponential()).replace("e-", "e−");
      }
      const short = { notation: "compact", maximumSignificantDigits: 4 };
      return new Intl.NumberFormat(LOCALE, short).format(tick);
    });
  }
  const decimals = Math.max(...ticks.map((tick) => (String(tick).split(".")[1] ?? "").length), 0);
  const bend = (i) => ticks[i] - 2 * ticks[i - 1] + ticks[i - 2];
  const even = ticks.every((_, i) => i < 2 || Math.abs(bend(i)) < 1e-9);
  return ticks.map((tick) => (even ? tick.toFixed(decimals) : String(tick)));
}

/**
 * An exponential average over steps that does not lean towards zero at the start.
 *
 * What fades is x, a step at a time or a part of the whole where that is more: a curve looks alike
 * however many steps it has, and however it was thinned.
 */
export function smooth(xs, ys, weight) {
  const unit = Math.max(1, (xs[xs.length - 1] - xs[0]) / UNITS);
  let total = 0;
  let mass = 0;
  let last = null;
  let gap = NaN;
  let faded = 0; // over that gap: most gaps are alike, and a power is dear
  return ys.map((y, i) => {
    if (!Number.isFinite(y)) return NaN;
    if (last !== null && xs[i] - last !== gap) {
      gap = xs[i] - last;
      faded = weight ** (Math.max(gap, 0) / unit);
    }
    const fade = last === null ? 0 : faded;
    total = total * fade + y * (1 - weight);
    mass = mass * fade + (1 - weight);
    last = xs[i];
    return total / mass;
  });
}

/** The first index whose x is larger; x grows. */
export function after(xs, x) {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the point that is nearest to an x; of two, the later. */
export function nearest(xs, x) {
  const right = after(xs, x);
  if (right === 0 || right === xs.length) return Math.min(right, xs.length - 1);
  return x - xs[right - 1] < xs[right] - x ? right - 1 : right;
}

/** Where steps are on another axis, between whose points it is interpolated. */
export function atSteps(steps, axis) {
  const { xs, ys } = axis;
  let right = 0;
  return steps.map((step) => {
    while (right < xs.length && xs[right] <= step) right++;
    if (right === 0 || right === xs.length) return ys[Math.min(right, xs.length - 1)];
    const share = (step - xs[right - 1]) / (xs[right] - xs[right - 1]);
    return ys[right - 1] + share * (ys[right] - ys[right - 1]);
  });
}
