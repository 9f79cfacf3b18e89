/** The value below which `share` (0 to 1) of the values lie; the values need not be sorted. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** The rate of rounds of the same length together, given the rate of each: what a round puts off falls to another one. */
export function overallRate(rates) {
  return rates.length / rates.reduce((time, rate) => time + 1 / rate, 0);
}

/** The middle value, or of an even number of values the upper of the two in the middle. */
export function median(values) {
  return percentile(values, 0.5);
}
