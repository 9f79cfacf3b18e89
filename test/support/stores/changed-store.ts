import type { Actor } from '../../../src/domain/actor.js';
import { RedemptionError } from '../../../src/domain/redemption-error.js';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';

/** Replaces a method of a store; rejects as if the disk were full. */
export const storeUnavailable = () =>
  Promise.reject(new RedemptionError('store_unavailable', 'the disk is full'));

/** Returns the store with some of its methods replaced. If `changes` is a function, it is called at each access. */
export function withStore<S extends GrantStore>(
  real: S,
  changes: Partial<GrantStore> | (() => Partial<GrantStore>),
): S {
  return new Proxy(real, {
    get(target, property: keyof GrantStore) {
      if (property === 'actingAs') return (actor: Actor) => withStore(target.actingAs(actor), changes);
      const changed = (typeof changes === 'function' ? changes() : changes)[property];
      if (changed) return changed;
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
