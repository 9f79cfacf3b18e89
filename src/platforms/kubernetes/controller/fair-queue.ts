/** The namespace of a key `namespace/name`. */
export function namespaceOf(key: string): string {
  return key.split('/', 1)[0] as string;
}

interface NamespaceKeys {
  /** In the order in which they were added. */
  readonly waiting: Set<string>;
  running: number;
}

/**
 * A queue of distinct keys `namespace/name` that serves the namespaces in rotation, and the keys of a namespace in their order.
 */
export class FairQueue {
  readonly #maxPerNamespace: number;
  /** By namespace. The first one is served next. */
  readonly #byNamespace = new Map<string, NamespaceKeys>();

  /** At most `maxPerNamespace` keys of a namespace are processed at a time. */
  constructor(maxPerNamespace: number) {
    this.#maxPerNamespace = maxPerNamespace;
  }

  /** True if the key waits. */
  has(key: string): boolean {
    return this.#byNamespace.get(namespaceOf(key))?.waiting.has(key) ?? false;
  }

  add(key: string): void {
    const namespace = namespaceOf(key);
    const keys = this.#byNamespace.get(namespace) ?? { waiting: new Set<string>(), running: 0 };
    if (keys.waiting.has(key)) return;
    this.#byNamespace.set(namespace, keys);
    keys.waiting.add(key);
  }

  remove(key: string): void {
    const namespace = namespaceOf(key);
    const keys = this.#byNamespace.get(namespace);
    if (keys?.waiting.delete(key)) this.#dropIfIdle(namespace, keys);
  }

  /** The next key, which counts for its namespace until it is released; undefined if none waits or may be processed now. */
  dequeue(): string | undefined {
    for (const [namespace, keys] of this.#byNamespace) {
      const [key] = keys.waiting;
      if (key === undefined || keys.running >= this.#maxPerNamespace) continue;
      keys.waiting.delete(key);
      keys.running += 1;
      // Move the namespace to the end of the rotation.
      this.#byNamespace.delete(namespace);
      this.#byNamespace.set(namespace, keys);
      return key;
    }
    return undefined;
  }

  release(key: string): void {
    const namespace = namespaceOf(key);
    const keys = this.#byNamespace.get(namespace);
    if (!keys) return;
    keys.running -= 1;
    this.#dropIfIdle(namespace, keys);
  }

  /** Removes the keys that wait; dequeued keys must still be released. */
  clear(): void {
    for (const [namespace, keys] of this.#byNamespace) {
      keys.waiting.clear();
      this.#dropIfIdle(namespace, keys);
    }
  }

  #dropIfIdle(namespace: string, { waiting, running }: NamespaceKeys): void {
    if (running === 0 && waiting.size === 0) this.#byNamespace.delete(namespace);
  }
}
