import { isDeepStrictEqual } from 'node:util';
import { formatNamespacedName, type NamespacedName } from '../api/resource.js';
import type { ObjectSink } from '../controller/informer.js';

/**
 * The objects of a kind, by namespace and sorted. Each change keeps the order with a binary search, so that a read does not sort
 * the objects of a namespace that may have thousands.
 */
export class SortedObjects<T extends NamespacedName> implements ObjectSink<T> {
  readonly #compare: (a: T, b: T) => number;
  readonly #onChange: (namespace: string) => void;
  readonly #relevant: (object: T) => unknown;
  /** By `namespace/name`. */
  readonly #byKey = new Map<string, T>();
  readonly #byNamespace = new Map<string, T[]>();

  /**
   * `compare` orders the objects of a namespace. `onChange` is called with a namespace in which the part of an object that
   * `relevant` returns has changed; the whole object if it is absent.
   */
  constructor(
    compare: (a: T, b: T) => number,
    onChange: (namespace: string) => void,
    relevant: (object: T) => unknown = (object) => object,
  ) {
    this.#compare = compare;
    this.#onChange = onChange;
    this.#relevant = relevant;
  }

  all(): IterableIterator<T> {
    return this.#byKey.values();
  }

  /** The sorted objects of a namespace. */
  in(namespace: string): readonly T[] {
    return this.#byNamespace.get(namespace) ?? [];
  }

  replace(objects: readonly T[]): void {
    const before = new Map(this.#byNamespace);
    this.#byKey.clear();
    this.#byNamespace.clear();
    for (const object of objects) {
      this.#byKey.set(formatNamespacedName(object), object);
      this.#listOf(object).push(object);
    }
    for (const list of this.#byNamespace.values()) list.sort(this.#compare);
    for (const namespace of new Set([...before.keys(), ...this.#byNamespace.keys()]))
      if (!this.#isSame(before.get(namespace) ?? [], this.in(namespace))) this.#onChange(namespace);
  }

  put(object: T): void {
    const before = this.#delete(object);
    const list = this.#listOf(object);
    list.splice(this.#positionOf(list, object), 0, object);
    this.#byKey.set(formatNamespacedName(object), object);
    if (!before || !this.#isSame([before], [object])) this.#onChange(object.namespace);
  }

  remove(object: T): void {
    this.#delete(object);
    this.#onChange(object.namespace);
  }

  #isSame(before: readonly T[], after: readonly T[]): boolean {
    return isDeepStrictEqual(before.map(this.#relevant), after.map(this.#relevant));
  }

  /** Returns the deleted object; undefined if there was none. */
  #delete(object: T): T | undefined {
    const stored = this.#byKey.get(formatNamespacedName(object));
    if (!stored) return undefined;
    const list = this.#listOf(stored);
    list.splice(this.#positionOf(list, stored), 1);
    if (list.length === 0) this.#byNamespace.delete(stored.namespace);
    this.#byKey.delete(formatNamespacedName(stored));
    return stored;
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
