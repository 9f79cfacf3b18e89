import type { IssuedCertificate } from './issued-certificate.js';
import type { LabelsAndNote } from './labels-and-note.js';
import type { GrantPolicy } from './policy.js';

/**
 * What generated the key of a redemption: `csr` the requesting site, `stock` the service, for a client that sent no CSR,
 * `generated` the service, for a link that was created on the accepting side.
 */
export type RedemptionMode = 'csr' | 'stock' | 'generated';

/**
 * The record that one client certificate was issued to one subject under a grant; a renewal does not change it. Times are
 * milliseconds since the epoch.
 */
export interface Redemption extends IssuedCertificate, LabelsAndNote {
  /** UUID, chosen before the commit; it is the primary key and is in the certificate as `urn:uuid:<id>`. */
  readonly id: string;
  readonly grantUid: string;
  /** Namespace of the grant, which may be gone when the link is renewed. */
  readonly namespace: string;
  /** Name of the CA that the grant requires; null for the site's default issuer. */
  readonly issuer: string | null;
  /** Identifies repeated requests; unique within a grant. */
  readonly replayKey: string;
  readonly mode: RedemptionMode;
  /** Requested name of the Link and its Secret. */
  readonly name: string;
  /** The whole subject; the certificate's CN holds its first 64 characters. */
  readonly subject: string;
  /** Address of the client, as text. */
  readonly peer: string;
  /** Identity of the signed code, null for a grant's own code. */
  readonly jti: string | null;
  /** The grant's policy as it was when this was recorded. */
  readonly policy: GrantPolicy;
  readonly siteUid: string | null;
  /** The private key that the service generated, encrypted under the code; null if none is stored. */
  readonly sealedAnswer: Uint8Array | null;
  /** When the sealed answer is erased. */
  readonly sealedUntil: number | null;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}
