/** Calls `run` for each item, `atOnce` at a time. Rejects as soon as one call rejects. */
export async function forEachParallel<T>(
  items: readonly T[],
  atOnce: number,
  run: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const left = items.entries();
  const work = async () => {
    for (const [index, item] of left) await run(item, index);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
