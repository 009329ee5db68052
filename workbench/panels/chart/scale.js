// From numbers to pixels, and to numbers a person can read.

const LOCALE = "en";

/** About `count` round numbers within [low, high]. */
export function linearTicks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** Powers of ten, with 2 and 5 between where there is room; round numbers below a decade. */
export function logTicks(low, high, count) {
  const decades = Math.log10(high / low);
  if (decades < 1) return linearTicks(low, high, count).filter((tick) => tick > 0);
  const steps = decades * 3 <= count + 1 ? [1, 2, 5] : [1];
  const skip = Math.max(1, Math.ceil(decades / Math.max(count, 1)));
  const ticks = [];
  const first = Math.floor(Math.log10(low));
  for (let power = first; power <= Math.log10(high); power++) {
    if ((power - first) % skip) continue;
    for (const step of steps) {
      const tick = Number((step * 10 ** power).toPrecision(12));
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** Label ticks alike: as many decimals as tell neighbours apart. */
export function labelTicks(ticks) {
  const largest = Math.max(...ticks.map(Math.abs), 0);
  const smallest = Math.min(...ticks.filter((tick) => tick !== 0).map(Math.abs));
  if (largest >= 1e4 || smallest < 1e-3) {
    return ticks.map((tick) => {
      if (tick === 0) return "0";
      if (Math.abs(tick) < 1e-3) return tick.toExponential().replace("e-", "e−");
      return new Intl.NumberFormat(LOCALE, {
        notation: "compact",
        maximumSignificantDigits: 4,
      }).format(tick);
    });
  }
  const decimals = Math.max(...ticks.map((tick) => (String(tick).split(".")[1] ?? "").length), 0);
  const bend = (i) => ticks[i] - 2 * ticks[i - 1] + ticks[i - 2];
  const even = ticks.every((_, i) => i < 2 || Math.abs(bend(i)) < 1e-9);
  return ticks.map((tick) => (even ? tick.toFixed(decimals) : String(tick)));
}

/** A value to four figures, as a legend or a tooltip shows it. */
export function formatValue(value) {
  if (value === undefined) return "";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return value.toLocaleString(LOCALE, { minimumSignificantDigits: 4, maximumSignificantDigits: 4 });
}

export const formatStep = (x) => x.toLocaleString(LOCALE, { maximumFractionDigits: 2 });

/** The range to show: all finite values, a little air, never empty. */
export function extent(lists, log) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (!Number.isFinite(value) || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? null : [low, high];
}

export function pad([low, high], log) {
  if (log) {
    const air = high > low ? (high / low) ** 0.05 : 2;
    return [low / air, high * air];
  }
  const air = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.1 || 1;
  return [low - air, high + air];
}

/** An exponential average over x that does not lean towards zero at the start. */
export function smooth(xs, ys, weight) {
  let total = 0;
  let mass = 0;
  let last = null;
  return ys.map((y, i) => {
    if (!Number.isFinite(y)) return NaN;
    const fade = last === null ? 0 : weight ** Math.max(xs[i] - last, 0);
    total = total * fade + y * (1 - weight);
    mass = mass * fade + (1 - weight);
    last = xs[i];
    return total / mass;
  });
}
