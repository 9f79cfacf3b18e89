interface Turns<T> {
  readonly running: Promise<T>;
  next: Promise<T> | undefined;
}

/**
 * Reads that many ask for at a time: there is one at a time for a key, and who asks gets one that began after that. So a
 * burst costs two reads, and nobody is told what was true before they asked.
 */
export class SharedReads<T> {
  readonly #read: (key: string) => Promise<T>;
  readonly #turns = new Map<string, Turns<T>>();

  constructor(read: (key: string) => Promise<T>) {
    this.#read = read;
  }

  read(key: string): Promise<T> {
    const turns = this.#turns.get(key);
    if (!turns) return this.#begin(key);
    const after = () => this.#begin(key);
    turns.next ??= turns.running.then(after, after);
    return turns.next;
  }

  #begin(key: string): Promise<T> {
    const running = this.#read(key);
    const turns: Turns<T> = { running, next: undefined };
    this.#turns.set(key, turns);
    const end = () => {
      if (turns.next === undefined) this.#turns.delete(key);
    };
    running.then(end, end);
    return running;
  }
}
