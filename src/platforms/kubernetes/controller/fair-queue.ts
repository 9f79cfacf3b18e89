/**
 * Divides keys into partitions. `of` returns the partition of a key. At most `maxRunning` keys of a partition are processed at a
 * time.
 */
export interface Partitions {
  readonly of: (key: string) => string;
  readonly maxRunning: number;
}

interface Partition {
  /** In the order in which they were added. */
  readonly waiting: Set<string>;
  running: number;
}

const ONE_PARTITION: Partitions = { of: () => '', maxRunning: Number.POSITIVE_INFINITY };

/** A queue of distinct keys that serves its partitions in rotation, and the keys of a partition in their order. */
export class FairQueue {
  readonly #partitions: Partitions;
  /** Partitions by name. The first one is served next. */
  readonly #byName = new Map<string, Partition>();

  constructor(partitions: Partitions = ONE_PARTITION) {
    this.#partitions = partitions;
  }

  /** True if the key waits. */
  has(key: string): boolean {
    return this.#byName.get(this.#partitions.of(key))?.waiting.has(key) ?? false;
  }

  add(key: string): void {
    const name = this.#partitions.of(key);
    const partition = this.#byName.get(name) ?? { waiting: new Set<string>(), running: 0 };
    if (partition.waiting.has(key)) return;
    this.#byName.set(name, partition);
    partition.waiting.add(key);
  }

  remove(key: string): void {
    const name = this.#partitions.of(key);
    const partition = this.#byName.get(name);
    if (partition?.waiting.delete(key)) this.#dropIfIdle(name, partition);
  }

  /** The next key, which counts for its partition until it is released; undefined if none waits or may be processed now. */
  dequeue(): string | undefined {
    for (const [name, partition] of this.#byName) {
      const [key] = partition.waiting;
      if (key === undefined || partition.running >= this.#partitions.maxRunning) continue;
      partition.waiting.delete(key);
      partition.running += 1;
      // Move the partition to the end of the rotation.
      this.#byName.delete(name);
      this.#byName.set(name, partition);
      return key;
    }
    return undefined;
  }

  release(key: string): void {
    const name = this.#partitions.of(key);
    const partition = this.#byName.get(name);
    if (!partition) return;
    partition.running -= 1;
    this.#dropIfIdle(name, partition);
  }

  /** Removes the keys that wait; dequeued keys must still be released. */
  clear(): void {
    for (const [name, partition] of this.#byName) {
      partition.waiting.clear();
      this.#dropIfIdle(name, partition);
    }
  }

  #dropIfIdle(name: string, { waiting, running }: Partition): void {
    if (running === 0 && waiting.size === 0) this.#byName.delete(name);
  }
}
