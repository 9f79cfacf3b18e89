import type { GrantStore } from '../redemption/ports/grant-store.js';
import { inSpan } from '../tracing/span.js';
import { STORE_OPERATIONS } from './store-operations.js';

/** Receives the operations of a store, for metrics. */
export interface StoreObserver {
  storeAnswered(kind: 'read' | 'write', milliseconds: number, failed: boolean): void;
  revoked(what: 'grant' | 'redemption' | 'token'): void;
}

/** The operations that revoke something, and the result that each returns if this call has revoked it. */
const REVOKED = {
  revokeGrant: { what: 'grant', result: true },
  revokeRedemption: { what: 'redemption', result: true },
  revokeCode: { what: 'token', result: 'revoked' },
} as const;

function isRevocation(name: string): name is keyof typeof REVOKED {
  return Object.hasOwn(REVOKED, name);
}

type StoreMethod = (...values: readonly unknown[]) => Promise<unknown>;

/** Wraps a store: each operation is a span, and its duration, failure and revocation are reported to `observer`. */
export function measureStore<S extends GrantStore>(store: S, observer: StoreObserver): S {
  const present = Object.entries(STORE_OPERATIONS).filter(([name]) => name in store);
  const measured = present.map(([name, kind]) => {
    const operation = store[name as keyof GrantStore] as StoreMethod;
    const span = { name: `store ${name}` };
    const run: StoreMethod = async (...values) => {
      const start = performance.now();
      let failed = true;
      try {
        const result = await inSpan(span, () => operation(...values));
        failed = false;
        if (isRevocation(name) && result === REVOKED[name].result) observer.revoked(REVOKED[name].what);
        return result;
      } catch (error) {
        // An invalid cursor of the caller is no failure of the store.
        failed = !(error instanceof RangeError);
        throw error;
      } finally {
        observer.storeAnswered(kind, performance.now() - start, failed);
      }
    };
    return [name, run] as const;
  });
  const actingAs: S['actingAs'] = (actor) => measureStore(store.actingAs(actor), observer);
  return { ...store, ...Object.fromEntries(measured), actingAs };
}
