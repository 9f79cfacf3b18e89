/**
 * What a CA does for its issuer: `active` signs, `prepared` will sign next, `retiring` has signed before. Whoever trusts the
 * issuer trusts all of them.
 */
export type IssuerCaState = 'active' | 'prepared' | 'retiring';

/** A CA of an issuer, as it is kept. */
export interface IssuerCa {
  readonly state: IssuerCaState;
  /** Files with its certificate, and what stands behind it, and its key; PEM. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The common name of the certificate, else its whole subject. */
  readonly subject: string;
  /** SHA-256 over the DER of the certificate, lower-case hex. */
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** When it was replaced as the one that signs, milliseconds since the epoch; null unless it is retiring. */
  readonly replacedAt: number | null;
}

/** What an act on an issuer came to; `already`: it was done before, and nothing was changed. */
export type PrepareOutcome = 'prepared' | 'already';
/** `unprepared`: there is no CA that could sign next, and none that was replaced either. */
export type ActivateOutcome = 'activated' | 'already' | 'unprepared';

/**
 * The issuers whose CAs are linkgrant's own to change. Each act is over in one step that cannot be seen half done, and may
 * be repeated after a crash; one at a time changes an issuer, whatever process it is in.
 */
export interface RotatingIssuers {
  /** Names of all issuers, in order. */
  names(): readonly string[];
  /** The CAs of an issuer: the active one, then the prepared, then the retiring ones, the oldest first; none for an unknown name. */
  list(name: string): readonly IssuerCa[];
  /** Makes the CA that will sign next; it is trusted from now on. Rejects with CertificateAuthorityError if it cannot. */
  prepare(name: string): Promise<PrepareOutcome>;
  /** Lets the prepared CA sign; the one before it is trusted still. Rejects with CertificateAuthorityError if it cannot. */
  activate(name: string): Promise<ActivateOutcome>;
  /** Removes a retiring CA, key and all; false if there is none of that SHA-256. */
  retire(name: string, sha256: string): Promise<boolean>;
}
