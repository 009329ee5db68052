// The range of an axis, and its ticks.

// Ends of what counts as the bulk of a curve, and how few points have no outliers.
const LOW = 0.02;
const HIGH = 0.98;
const FEW = 40;
const SAMPLE = 500;
// What is beyond the bulk by this share of it is near it.
const NEAR = 0.5;
// Points are left out of the range only if it would be so many times as large with them.
const WORTH = 2;
const EXPLODED = 3;

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

export const shows = (y, log) => Number.isFinite(y) && (!log || y > 0);

/** The range of all values that can be shown, or of those within limits; null where there is none. */
export function extent(lists, log = false, least = -Infinity, most = Infinity) {
  let low = Infinity;
  let high = -Infinity;
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      if (!shows(value, log) || value < least || value > most) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? null : [low, high];
}

/** A range with a little air, never empty. */
export function pad([low, high], log) {
  if (log) {
    const air = high > low ? (high / low) ** 0.05 : 2;
    return [low / air, high * air];
  }
  const air = high > low ? (high - low) * 0.05 : Math.abs(high) * 0.1 || 1;
  return [low - air, high + air];
}

/**
 * As workbench.display.axis_range.widen, whose figures `least` has: a range that does not make noise
 * look like progress.
 */
export function widen([low, high], { rises, log, least }) {
  if (log) {
    const air = (1 + least.relative) / (high / low);
    return air > 1 ? [low / air ** 0.5, high * air ** 0.5] : [low, high];
  }
  const isShare = rises && low >= 0 && high <= 1;
  const span = isShare ? least.share : least.relative * Math.max(Math.abs(low), Math.abs(high));
  if (high - low >= span) return [low, high];
  const middle = (low + high) / 2;
  const place = isShare ? Math.min(Math.max(middle, span / 2), 1 - span / 2) : middle;
  return [place - span / 2, place + span / 2];
}

const union = (ranges) => [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
const spanOf = ([low, high], log) => (log ? Math.log(high / low) : high - low);

/** Where nearly all values are: from the 2nd to the 98th percentile, of a sample; all, of a few. */
function bulk(values) {
  const every = Math.ceil(values.length / SAMPLE);
  const sorted = new Float64Array(every > 1 ? values.filter((_, i) => i % every === 0) : values).sort();
  const last = sorted.length - 1;
  if (last < FEW) return [sorted[0], sorted[last]];
  return [sorted[Math.floor(last * LOW)], sorted[Math.ceil(last * HIGH)]];
}

/** Reach from a bulk to the values that are near it: only what is far from all others is left out. */
function reach([low, high], lists, log) {
  const air = NEAR * spanOf([low, high], log);
  const [least, most] = log ? [low / Math.exp(air), high * Math.exp(air)] : [low - air, high + air];
  return extent(lists, log, least, most);
}

/**
 * The range that shows nearly all of each run, and what of it a run that explodes may take.
 *
 * Each list holds the values of one run in the order of their steps. Where less is better, a run whose
 * values have risen far above its start leaves the range to the other runs, if they would be flat
 * otherwise.
 */
export function robustRange(lists, log, falls) {
  const runs = lists
    .map((list) => list.filter((value) => shows(value, log)))
    .filter((list) => list.length)
    .map((list) => ({ whole: bulk(list), start: bulk(list.slice(0, Math.ceil(list.length / 5)))[1] }));
  if (!runs.length) return null;
  const ranges = runs.map(({ whole }) => whole);
  if (falls && runs.length > 1) {
    for (const i of ranges.map((_, i) => i).sort((a, b) => ranges[b][1] - ranges[a][1])) {
      const [low, high] = ranges[i];
      const calm = [low, Math.max(runs[i].start, low)];
      const rest = union(ranges.map((range, other) => (other === i ? calm : range)));
      const risen = high - calm[1] > 2 * (calm[1] - low);
      if (risen && spanOf(union(ranges), log) > EXPLODED * spanOf(rest, log)) ranges[i] = calm;
    }
  }
  const robust = reach(union(ranges), lists, log);
  const all = extent(lists, log);
  return spanOf(all, log) > WORTH * spanOf(robust, log) && robust[1] > robust[0] ? robust : all;
}
