/** Whose a key is, and how many of one's keys may be taken at a time. */
export interface Lanes {
  readonly of: (key: string) => string;
  readonly most: number;
}

interface Lane {
  /** In the order in which they came. */
  readonly waiting: Set<string>;
  taken: number;
}

const ONE_LANE: Lanes = { of: () => '', most: Number.POSITIVE_INFINITY };

/** Keys that wait for their turn: the lanes take turns, and in each the key that came first is first. */
export class ReadyKeys {
  readonly #lanes: Lanes;
  /** In the order of their turns. */
  readonly #byName = new Map<string, Lane>();
  #size = 0;

  constructor(lanes: Lanes = ONE_LANE) {
    this.#lanes = lanes;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    return this.#byName.get(this.#lanes.of(key))?.waiting.has(key) ?? false;
  }

  add(key: string): void {
    if (this.has(key)) return;
    const name = this.#lanes.of(key);
    const lane = this.#byName.get(name) ?? { waiting: new Set<string>(), taken: 0 };
    this.#byName.set(name, lane);
    lane.waiting.add(key);
    this.#size += 1;
  }

  /** Forgets a key that waits. */
  remove(key: string): void {
    const name = this.#lanes.of(key);
    const lane = this.#byName.get(name);
    if (!lane?.waiting.delete(key)) return;
    this.#size -= 1;
    this.#dropIfIdle(name, lane);
  }

  /** The next key, which counts as its lane's until it is released; undefined where none may be taken. */
  take(): string | undefined {
    for (const [name, lane] of this.#byName) {
      const [key] = lane.waiting;
      if (key === undefined || lane.taken >= this.#lanes.most) continue;
      lane.waiting.delete(key);
      lane.taken += 1;
      this.#size -= 1;
      // The last in turn now.
      this.#byName.delete(name);
      this.#byName.set(name, lane);
      return key;
    }
    return undefined;
  }

  /** A key that was taken is done with. */
  release(key: string): void {
    const name = this.#lanes.of(key);
    const lane = this.#byName.get(name);
    if (!lane) return;
    lane.taken -= 1;
    this.#dropIfIdle(name, lane);
  }

  /** Forgets the keys that wait; those that were taken are still to be released. */
  clear(): void {
    for (const [name, lane] of this.#byName) {
      lane.waiting.clear();
      this.#dropIfIdle(name, lane);
    }
    this.#size = 0;
  }

  #dropIfIdle(name: string, { waiting, taken }: Lane): void {
    if (taken === 0 && waiting.size === 0) this.#byName.delete(name);
  }
}
