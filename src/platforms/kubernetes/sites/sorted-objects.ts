import { formatNamespacedName, type NamespacedName } from '../api/resource.js';
import type { ObjectSink } from '../controller/informer.js';

/**
 * The objects of a kind, by namespace and sorted. Each change keeps the order with a binary search, so that a read does not sort
 * the objects of a namespace that may have thousands.
 */
export class SortedObjects<T extends NamespacedName> implements ObjectSink<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #onChange: (namespace: string) => void;
  /** By `namespace/name`. */
  readonly #byKey = new Map<string, T>();
  readonly #byNamespace = new Map<string, T[]>();

  /** `compare` orders the objects of a namespace. `onChange` is called with a namespace that may have changed. */
  constructor(compare: (a: T, b: T) => number, onChange: (namespace: string) => void) {
    this.#compare = compare;
    this.#onChange = onChange;
  }

  all(): IterableIterator<T> {
    return this.#byKey.values();
  }

  /** The sorted objects of a namespace. */
  in(namespace: string): readonly T[] {
    return this.#byNamespace.get(namespace) ?? [];
  }

  replace(objects: readonly T[]): void {
    const namespaces = new Set(this.#byNamespace.keys());
    this.#byKey.clear();
    this.#byNamespace.clear();
    for (const object of objects) {
      this.#byKey.set(formatNamespacedName(object), object);
      this.#listOf(object).push(object);
      namespaces.add(object.namespace);
    }
    for (const list of this.#byNamespace.values()) list.sort(this.#compare);
    for (const namespace of namespaces) this.#onChange(namespace);
  }

  put(object: T): void {
    this.#delete(object);
    const list = this.#listOf(object);
    list.splice(this.#positionOf(list, object), 0, object);
    this.#byKey.set(formatNamespacedName(object), object);
    this.#onChange(object.namespace);
  }

  remove(object: T): void {
    this.#delete(object);
    this.#onChange(object.namespace);
  }

  #delete(object: T): void {
    const stored = this.#byKey.get(formatNamespacedName(object));
    if (!stored) return;
    const list = this.#listOf(stored);
    list.splice(this.#positionOf(list, stored), 1);
    if (list.length === 0) this.#byNamespace.delete(stored.namespace);
    this.#byKey.delete(formatNamespacedName(stored));
  }

  #listOf({ namespace }: T): T[] {
    const list = this.#byNamespace.get(namespace) ?? [];
    this.#byNamespace.set(namespace, list);
    return list;
  }

  /** The number of objects in `list` that come before `object`. */
  #positionOf(list: readonly T[], object: T): number {
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(list[middle] as T, object) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
