import type { IssuerUse } from './grant-store.js';

/**
 * The role of a CA in its issuer: `active` signs, `prepared` will sign next, `retiring` has signed before. Clients of the
 * issuer trust all of them.
 */
export type IssuerCaState = 'active' | 'prepared' | 'retiring';

/** A stored CA of an issuer. */
export interface IssuerCa {
  readonly state: IssuerCaState;
  /** Files with its certificate chain and its key; PEM. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** The common name of the certificate, else its whole subject. */
  readonly subject: string;
  /** SHA-256 over the DER of the certificate, lower-case hex. */
  readonly sha256: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** When another CA became active in its place, milliseconds since the epoch; null unless it is retiring. */
  readonly replacedAt: number | null;
}

/** The outcome of preparing a CA; `already`: a CA was prepared before, and nothing was changed. */
export type PrepareOutcome = 'prepared' | 'already';
/** The outcome of activating a CA; `already`: it was activated before; `unprepared`: there is no prepared or retiring CA. */
export type ActivateOutcome = 'activated' | 'already' | 'unprepared';

/**
 * The issuers whose CAs linkgrant manages. Each operation is atomic and may be repeated after a crash. Operations on an issuer
 * are serialized across processes.
 */
export interface RotatingIssuers {
  /** Names of all issuers, in order. */
  names(): readonly string[];
  /** The CAs of an issuer: the active one, the prepared one, then retiring ones from the oldest; none for an unknown name. */
  list(name: string): readonly IssuerCa[];
  /** Creates the CA that will sign next; it is trusted from now on. Rejects with CertificateAuthorityError if it cannot. */
  prepare(name: string): Promise<PrepareOutcome>;
  /**
   * Makes the prepared CA the active one; the previous one stays trusted. Rejects with CertificateAuthorityError if it cannot.
   */
  activate(name: string): Promise<ActivateOutcome>;
  /** Deletes a retiring CA with its key; false if there is none with that SHA-256. */
  retire(name: string, sha256: string): Promise<boolean>;
}

/** An issuer of a service, in any store and on any platform. */
export interface ListedIssuer {
  /** The name by which grants request it. An external CA has the name of the CA that it replaces. */
  readonly name: string;
  /** Namespace of its site; null for an issuer in the data directory. */
  readonly namespace: string | null;
  /** What rotates its CAs; `external` for the CA of `--issuer-cert`. */
  readonly owner: 'linkgrant' | 'skupper' | 'external';
  /** What it signs: certificates of links, or the certificate of the service. */
  readonly signs: 'links' | 'service';
  /** True if it signs the links of grants that request no issuer. */
  readonly isDefault: boolean;
}

/** A CA of a listed issuer. */
export interface ListedCa
  extends Pick<IssuerCa, 'subject' | 'sha256' | 'notBefore' | 'notAfter' | 'replacedAt'> {
  /**
   * In an issuer whose CAs linkgrant manages, the role of the CA. In any other issuer, `active` for the CA that signs, and
   * `trusted` for the others in `ca.crt` of responses: previous or next CAs, or CAs above the active one.
   */
  readonly state: IssuerCaState | 'trusted';
}

/** The CAs of an issuer, the active one first. */
export interface FoundCas {
  readonly cas: readonly ListedCa[];
  /** Why the issuer cannot be read or cannot sign now, as a sentence without its full stop. */
  readonly problem?: string;
}

/** Finds the issuers of a service and their CAs. */
export interface IssuerDirectory {
  /** Lists the issuers of the sites and of the service, and those that grants request (`used`), in any order. */
  list(used: readonly IssuerUse[]): Promise<readonly ListedIssuer[]>;
  /** Reads the CAs of an issuer that `list` returned. */
  read(issuer: ListedIssuer): Promise<FoundCas>;
}
