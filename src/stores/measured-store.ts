import type { GrantStore } from '../redemption/ports/grant-store.js';

/** Told of what a store does, for metrics. */
export interface StoreObserver {
  storeAnswered(kind: 'read' | 'write', milliseconds: number, failed: boolean): void;
  revoked(what: 'grant' | 'redemption' | 'token'): void;
}

type Measured = Exclude<keyof GrantStore, 'probe' | 'close'>;

const KINDS = {
  createGrant: 'write',
  findGrant: 'read',
  findGrantByName: 'read',
  listGrants: 'read',
  listDeclaredGrants: 'read',
  initializeGrants: 'write',
  updateGrant: 'write',
  revokeGrant: 'write',
  deleteGrant: 'write',
  findReplay: 'read',
  recordRedemption: 'write',
  recordSingleUse: 'write',
  findRedemption: 'read',
  listRedemptions: 'read',
  revokeRedemption: 'write',
  listRevokedCertificates: 'read',
  recordReplay: 'write',
  recordRefusal: 'write',
  listAttempts: 'read',
  eraseSealedAnswers: 'write',
  getSetting: 'read',
  putSetting: 'write',
  nextNumber: 'write',
  hasGrantMadeBefore: 'read',
  countGrants: 'read',
  createCode: 'write',
  findCode: 'read',
  listCodes: 'read',
  revokeCode: 'write',
  claimOutcome: 'write',
  findRenewedRedemption: 'read',
  recordRenewal: 'write',
  recordSuperseded: 'write',
  listRenewals: 'read',
  countDependents: 'read',
  countAnsweredBefore: 'read',
  listLedger: 'read',
  listAttemptTotals: 'read',
  verifyLedger: 'read',
  deleteEndedGrants: 'write',
  removeOldLedger: 'write',
} as const satisfies Record<Measured, 'read' | 'write'>;

/** What a store's operation gave when it revoked something now, and not before. */
const REVOKED = {
  revokeGrant: { what: 'grant', gave: true },
  revokeRedemption: { what: 'redemption', gave: true },
  revokeCode: { what: 'token', gave: 'revoked' },
} as const;

function isRevocation(name: string): name is keyof typeof REVOKED {
  return Object.hasOwn(REVOKED, name);
}

type Operation = (...values: readonly unknown[]) => Promise<unknown>;

/** The same store, with each operation's time, failure and revocation told to `observer`. */
export function measureStore(store: GrantStore, observer: StoreObserver): GrantStore {
  const measured = Object.entries(KINDS).map(([name, kind]) => {
    const operation = store[name as Measured].bind(store) as Operation;
    const run: Operation = async (...values) => {
      const start = performance.now();
      let failed = true;
      try {
        const result = await operation(...values);
        failed = false;
        if (isRevocation(name) && result === REVOKED[name].gave) observer.revoked(REVOKED[name].what);
        return result;
      } catch (error) {
        // A caller's cursor that no listing returned is no failure of the store.
        failed = !(error instanceof RangeError);
        throw error;
      } finally {
        observer.storeAnswered(kind, performance.now() - start, failed);
      }
    };
    return [name, run] as const;
  });
  return {
    ...(Object.fromEntries(measured) as unknown as Pick<GrantStore, Measured>),
    probe: () => store.probe(),
    close: () => store.close(),
  };
}
