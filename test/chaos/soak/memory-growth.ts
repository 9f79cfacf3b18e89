/** The resident memory of each worker after a garbage collection, in MiB, after so many redemptions of the run. */
export interface MemorySample {
  readonly redeemed: number;
  readonly workers: readonly number[];
}

// Until then caches fill and code is optimized.
const WARM_UP_SHARE = 1 / 3;

/** Returns the growth of each worker in MiB for 100,000 redemptions of the run, by the method of least squares. */
export function memoryGrowth(samples: readonly MemorySample[]): number[] {
  const settled = samples.slice(Math.ceil(samples.length * WARM_UP_SHARE));
  return (settled[0]?.workers ?? []).map((_, worker) => {
    const points = settled.map(({ redeemed, workers }) => ({
      at: redeemed,
      value: workers[worker] ?? Number.NaN,
    }));
    const mean = (pick: (point: (typeof points)[number]) => number) =>
      points.reduce((sum, point) => sum + pick(point), 0) / points.length;
    const [at, value] = [mean((point) => point.at), mean((point) => point.value)];
    const rise = points.reduce((sum, point) => sum + (point.at - at) * (point.value - value), 0);
    return (rise / points.reduce((sum, point) => sum + (point.at - at) ** 2, 0)) * 100_000;
  });
}
