import type { IssuedCertificate } from './issued-certificate.js';
import type { LabelsAndNote } from './labels-and-note.js';
import type { GrantPolicy } from './policy.js';

/**
 * What generated the key of a redemption. `csr`: the requesting site. `stock`: the service, for a client that sent no CSR.
 * `generated`: the service, for a link that was created on the accepting side.
 */
export type RedemptionMode = 'csr' | 'stock' | 'generated';

/**
 * The record that one client certificate was issued to one subject under a grant; a renewal does not change it. Times are
 * milliseconds since the epoch.
 */
export interface Redemption extends IssuedCertificate, LabelsAndNote {
  /** A UUID, which the certificate contains as `urn:uuid:<id>`. */
  readonly id: string;
  readonly grantUid: string;
  /** Namespace of the grant; recorded because the grant may have been deleted when the link is renewed. */
  readonly namespace: string;
  /** Name of the CA that the grant requests; null for the site's default issuer. */
  readonly issuer: string | null;
  /** Identifies repeated requests; unique within a grant. */
  readonly replayKey: string;
  readonly mode: RedemptionMode;
  /** Requested name of the Link and its Secret. */
  readonly name: string;
  /** The whole subject; the certificate's CN contains its first 64 characters. */
  readonly subject: string;
  /** Address of the client, as text. */
  readonly peer: string;
  /** Id of the signed code; null for the grant's own code. */
  readonly jti: string | null;
  /** The grant's policy as it was when this was recorded. */
  readonly policy: GrantPolicy;
  /** Uid of the accepting site, if it has one. */
  readonly siteUid: string | null;
  /** The private key that the service generated, encrypted with the code; null if none is stored. */
  readonly sealedAnswer: Uint8Array | null;
  readonly sealedUntil: number | null;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}
