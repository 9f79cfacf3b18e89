import type { AccessGrant } from '../../domain/access-grant.js';
import type { Actor } from '../../domain/actor.js';
import type { GrantStore } from './grant-store.js';
import type { OutcomeStore } from './outcome-store.js';
import type { Page, PageRequest } from './page.js';

/** A revoked certificate for a CRL. Times are milliseconds since the epoch. */
export interface RevokedCertificate {
  /** Serial number, lower-case hex. */
  readonly serial: string;
  readonly revokedAt: number;
  readonly notAfter: number;
}

/** A grant store in a database, with operations that a service in a cluster does not need. */
export interface DatabaseStore extends GrantStore, OutcomeStore {
  actingAs(actor: Actor): DatabaseStore;
  /** Lists the grants that files declare. The number of other grants does not affect its cost. */
  listDeclaredGrants(page: PageRequest): Promise<Page<AccessGrant>>;
  /** Sets every pending grant to Ready at `now`; it expires one expiration window later. Returns the number of these grants. */
  initializeGrants(now: number): Promise<number>;
  /**
   * Lists, in any order, the certificates of revoked redemptions that the CA with this SHA-256 signed and that are valid at
   * `now`.
   */
  listRevokedCertificates(issuerSha256: string, now: number): Promise<readonly RevokedCertificate[]>;
  putSetting(key: string, value: string): Promise<void>;
  /** Increases the number stored under a key, to `atLeast` or more, and returns it. No two calls return the same number. */
  nextNumber(key: string, atLeast: number): Promise<number>;
}
