/** The value below which `share` (0 to 1) of the values lie; the values need not be sorted. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** The overall rate of rounds with the same number of requests, from the rate of each round. */
export function overallRate(rates) {
  return rates.length / rates.reduce((time, rate) => time + 1 / rate, 0);
}

/** The median; of an even number of values the greater of the two in the middle. */
export function median(values) {
  return percentile(values, 0.5);
}

/** The number of requests that a driver has sent. */
export const totalOf = ({ outcomes }) => Object.values(outcomes).reduce((sum, count) => sum + count, 0);

/** The number of requests that a driver has sent and that were not answered with 200. */
export const notServed = (measured) => totalOf(measured) - (measured.outcomes['200'] ?? 0);
