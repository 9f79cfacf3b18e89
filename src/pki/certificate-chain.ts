import type { X509Certificate } from 'node:crypto';
import { certificateState } from '../domain/issued-certificate.js';
import { EXTENSION, KEY_USAGE } from './certificate-encoding.js';
import { type CertificateFields, parseCertificateFields } from './certificate-fields.js';
import { DerReader, TAG } from './der.js';
import { COMMON_NAME, relativeNames } from './distinguished-name.js';
import { parseCertificates } from './pem.js';
import { certificateKeyProblem } from './public-key.js';

/** A certificate with its fields. */
export interface ChainLink {
  readonly x509: X509Certificate;
  readonly fields: CertificateFields;
}

/** Parses the fields of a certificate. Throws an Error if the certificate is not DER. */
export function chainLink(x509: X509Certificate): ChainLink {
  try {
    return { x509, fields: parseCertificateFields(x509.raw) };
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`a certificate that is not DER as RFC 5280 requires (${reason})`, { cause: error });
  }
}

/** Parses the certificates of a PEM text, at least one. Throws the errors of parseCertificates and {@link chainLink}. */
export function chainLinks(pem: string): [ChainLink, ...ChainLink[]] {
  return parseCertificates(pem).map(chainLink) as [ChainLink, ...ChainLink[]];
}

/** Maximum number of signatures that one SignatureChecks verifies: enough to find the signer among 16 CAs of the same name. */
const MAX_SIGNATURE_CHECKS = 24;

/**
 * Verifies the signatures of certificates, each once. If the key of the issuer is not accepted, the check fails without
 * verifying the signature. So no verification is slower than with the slowest accepted key. Throws an Error beyond 24
 * signatures.
 */
export class SignatureChecks {
  readonly #results = new Map<string, boolean>();

  /** True if the certificate names `issuer` as its issuer and is signed with the key of `issuer`. */
  isIssuedBy({ x509 }: ChainLink, issuer: ChainLink): boolean {
    if (certificateKeyProblem(issuer.fields.spkiDer) !== undefined || !x509.checkIssued(issuer.x509))
      return false;
    const pair = `${x509.fingerprint256} ${issuer.x509.fingerprint256}`;
    const cached = this.#results.get(pair);
    if (cached !== undefined) return cached;
    if (this.#results.size === MAX_SIGNATURE_CHECKS)
      throw new Error(`more than ${MAX_SIGNATURE_CHECKS} signatures to verify`);
    const isSigned = verifies(x509, issuer.x509);
    this.#results.set(pair, isSigned);
    return isSigned;
  }
}

function verifies(x509: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return x509.verify(issuer.publicKey);
  } catch {
    // For example, the key is a point that is not on its curve.
    return false;
  }
}

/** Returns false if keyUsage is present without this bit. */
export function allowsUsage(fields: CertificateFields, bit: number): boolean {
  const extension = fields.extensions.get(EXTENSION.keyUsage);
  if (!extension) return true;
  const octet = new DerReader(extension).read(TAG.bitString).content[1] ?? 0;
  return (octet & (0x80 >> bit)) !== 0;
}

const ANY_PURPOSE = '2.5.29.37.0';

/** Returns false if extendedKeyUsage is present and contains neither this purpose nor anyExtendedKeyUsage. */
export function allowsPurpose(fields: CertificateFields, purpose: string): boolean {
  const extension = fields.extensions.get(EXTENSION.extendedKeyUsage);
  if (!extension) return true;
  const purposes = new DerReader(extension).enter(TAG.sequence);
  while (!purposes.done) {
    const found = purposes.readOid();
    if (found === purpose || found === ANY_PURPOSE) return true;
  }
  return false;
}

/** Returns how many CAs may be between this CA and a leaf (RFC 5280 §4.2.1.9); undefined if it is not a CA. */
export function pathLimit(fields: CertificateFields): number | undefined {
  const extension = fields.extensions.get(EXTENSION.basicConstraints);
  if (!extension) return undefined;
  const constraints = new DerReader(extension).enter(TAG.sequence);
  const isAuthority = (constraints.optional(TAG.boolean)?.[0] ?? 0) !== 0;
  if (!isAuthority) return undefined;
  if (constraints.done) return Number.POSITIVE_INFINITY;
  return constraints.readUnsigned().reduce((limit, byte) => limit * 256 + byte, 0);
}

function mayIssue(issuer: ChainLink, authoritiesBelow: number, now: number): boolean {
  const state = certificateState(issuer.fields, now);
  return (
    (state === 'valid' || state === 'expiring') &&
    (pathLimit(issuer.fields) ?? -1) >= authoritiesBelow &&
    allowsUsage(issuer.fields, KEY_USAGE.keyCertSign)
  );
}

/**
 * Returns a shortest chain that begins with `first` and ends with a self-signed certificate of `trusted`; undefined if there is
 * none. All certificates between these two are in `trusted` or `others`. Each issuer in the chain is a CA with an accepted key,
 * is valid at `now`, and has signed the certificate before it. `first` itself is not checked. Throws an Error if the search
 * takes too many signature checks.
 */
export function findChain(
  first: ChainLink,
  {
    trusted,
    others = [],
  }: { readonly trusted: readonly ChainLink[]; readonly others?: readonly ChainLink[] },
  now: number,
  checks: SignatureChecks,
): readonly ChainLink[] | undefined {
  const leaves = pathLimit(first.fields) === undefined ? 1 : 0;
  const roots = new Set(trusted.map(({ x509 }) => x509.fingerprint256));
  // Each certificate is reached once, by the shortest path, because the number of possible paths is not limited.
  const unreached = new Map([...trusted, ...others].map((link) => [link.x509.fingerprint256, link]));
  unreached.delete(first.x509.fingerprint256);
  const paths: (readonly ChainLink[])[] = [[first]];
  for (let path = paths.shift(); path; path = paths.shift()) {
    const last = path[path.length - 1] ?? first;
    if (checks.isIssuedBy(last, last)) {
      if (roots.has(last.x509.fingerprint256)) return path;
      continue;
    }
    for (const [fingerprint, issuer] of unreached) {
      const authoritiesBelow = path.length - leaves;
      if (!mayIssue(issuer, authoritiesBelow, now) || !checks.isIssuedBy(last, issuer)) continue;
      unreached.delete(fingerprint);
      paths.push([...path, issuer]);
    }
  }
  return undefined;
}

const DIRECTORY_NAME = 0xa4;
const URI = 0x86;

/**
 * Returns why the nameConstraints (RFC 5280 §4.2.1.10) of a CA forbid link certificates, undefined if they do not. The subject
 * of a link certificate is only a common name, and its alternative name is a URI `urn:uuid:`. Non-critical constraints are
 * checked too, because verifiers apply them.
 */
export function nameConstraintProblem(fields: CertificateFields): string | undefined {
  const extension = fields.extensions.get(EXTENSION.nameConstraints);
  if (!extension) return undefined;
  const constraints = new DerReader(extension).enter(TAG.sequence);
  const permitted = readSubtrees(constraints.optional(0xa0));
  const excluded = readSubtrees(constraints.optional(0xa1));
  if ([...permitted, ...excluded].some(({ base }) => base.tag === URI))
    return 'its nameConstraints restrict the hosts of URIs, but the URN in link certificates has no host';
  const directories = permitted.filter(({ base }) => base.tag === DIRECTORY_NAME);
  const isPermitted = directories.length === 0 || directories.some(permitsEverything);
  const isExcluded = excluded.some((subtree) => subtree.base.tag === DIRECTORY_NAME && mayExclude(subtree));
  return isPermitted && !isExcluded && !directories.some(({ isBounded }) => isBounded)
    ? undefined
    : 'its nameConstraints forbid a subject that consists of only a common name, as in link certificates';
}

interface Subtree {
  /** The GeneralName at the top of the subtree. */
  readonly base: { readonly tag: number; readonly content: Uint8Array };
  /** True if the subtree has a minimum or maximum, which no verifier accepts. */
  readonly isBounded: boolean;
}

function readSubtrees(content: Uint8Array | undefined): Subtree[] {
  const subtrees: Subtree[] = [];
  const list = new DerReader(content ?? Buffer.alloc(0));
  while (!list.done) {
    const subtree = list.enter(TAG.sequence);
    const base = subtree.read();
    subtrees.push({ base, isBounded: !subtree.done });
  }
  return subtrees;
}

function permitsEverything({ base }: Subtree): boolean {
  return attributeTypes(base).length === 0;
}

/** Returns whether a subject that is only a common name can be in this subtree. */
function mayExclude({ base, isBounded }: Subtree): boolean {
  const names = attributeTypes(base);
  return isBounded || names.length === 0 || (names.length === 1 && names.join() === COMMON_NAME);
}

/** Returns the attribute types of each relative name in a directoryName. */
function attributeTypes({ content }: Subtree['base']): string[][] {
  return relativeNames(content, (attribute) => attribute.readOid());
}
