import type { X509Certificate } from 'node:crypto';
import { EXTENSION, KEY_USAGE } from './certificate-encoding.js';
import { type CertificateFields, parseCertificateFields } from './certificate-fields.js';
import { DerReader, TAG } from './der.js';
import { COMMON_NAME } from './distinguished-name.js';
import { certificateKeyProblem } from './public-key.js';

/** A certificate with its fields. */
export interface ChainLink {
  readonly x509: X509Certificate;
  readonly fields: CertificateFields;
}

/** The certificate together with its fields. Throws an Error if it is not DER. */
export function chainLink(x509: X509Certificate): ChainLink {
  try {
    return { x509, fields: parseCertificateFields(x509.raw) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unreadable';
    throw new Error(`a certificate that is not DER as RFC 5280 requires (${reason})`, { cause: error });
  }
}

/**
 * Maximum number of signatures that one SignatureChecks verifies: enough for 16 CAs of one name, of which one signed the chain.
 */
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

/** False if keyUsage is present without this bit. */
export function allowsUsage(fields: CertificateFields, bit: number): boolean {
  const extension = fields.extensions.get(EXTENSION.keyUsage);
  if (!extension) return true;
  const octet = new DerReader(extension.value).read(TAG.bitString).content[1] ?? 0;
  return (octet & (0x80 >> bit)) !== 0;
}

/** False if extendedKeyUsage is present and contains neither this purpose nor anyExtendedKeyUsage. */
export function allowsPurpose(fields: CertificateFields, purpose: string): boolean {
  const extension = fields.extensions.get(EXTENSION.extendedKeyUsage);
  if (!extension) return true;
  const purposes = new DerReader(extension.value).enter(TAG.sequence);
  while (!purposes.done) {
    const named = purposes.readOid();
    if (named === purpose || named === '2.5.29.37.0') return true;
  }
  return false;
}

/** How many authorities may stand between this one and a leaf (RFC 5280 §4.2.1.9); undefined if it is not a CA. */
export function pathLimit(fields: CertificateFields): number | undefined {
  const extension = fields.extensions.get(EXTENSION.basicConstraints);
  if (!extension) return undefined;
  const constraints = new DerReader(extension.value).enter(TAG.sequence);
  const isAuthority = (constraints.optional(TAG.boolean)?.[0] ?? 0) !== 0;
  if (!isAuthority) return undefined;
  if (constraints.done) return Number.POSITIVE_INFINITY;
  return constraints.readUnsigned().reduce((limit, byte) => limit * 256 + byte, 0);
}

/** Returns `valid`, or why the certificate is not valid at `now`: `early` or `expired`. */
export function validityAt(fields: CertificateFields, now: number): 'valid' | 'early' | 'expired' {
  if (now < fields.notBefore) return 'early';
  return now > fields.notAfter ? 'expired' : 'valid';
}

function mayIssue(issuer: ChainLink, authoritiesBelow: number, now: number): boolean {
  return (
    validityAt(issuer.fields, now) === 'valid' &&
    (pathLimit(issuer.fields) ?? -1) >= authoritiesBelow &&
    allowsUsage(issuer.fields, KEY_USAGE.keyCertSign)
  );
}

/**
 * A shortest path from `first` to a self-signed certificate of `trusted`, both included, by way of `trusted` and `others`:
 * every issuer on it is an authority with an accepted key, valid at `now`, and its signature holds. Undefined if there is
 * none. `first` itself is not checked. Throws an Error if that takes too many signature checks.
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
 * Why the nameConstraints (RFC 5280 §4.2.1.10) of a CA forbid the certificates that are issued for links, whose subject is
 * a common name alone and which have a URI `urn:uuid:`; undefined if they do not. Checks non-critical constraints too,
 * because verifiers apply both.
 */
export function nameConstraintProblem(fields: CertificateFields): string | undefined {
  const extension = fields.extensions.get(EXTENSION.nameConstraints);
  if (!extension) return undefined;
  const constraints = new DerReader(extension.value).enter(TAG.sequence);
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
  /** The GeneralName that it starts from. */
  readonly base: { readonly tag: number; readonly content: Uint8Array };
  /** True for one with a minimum or maximum, which no verifier accepts. */
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
  return partsOf(base.content).length === 0;
}

/** Whether some subject of one common name is below this directory name. */
function mayExclude({ base, isBounded }: Subtree): boolean {
  const parts = partsOf(base.content);
  const [types = []] = parts;
  return isBounded || parts.length === 0 || (parts.length === 1 && types.join() === COMMON_NAME);
}

/** The attribute types of each relative name in a directoryName. */
function partsOf(directoryName: Uint8Array): string[][] {
  const parts: string[][] = [];
  const sets = new DerReader(directoryName).enter(TAG.sequence);
  while (!sets.done) {
    const types: string[] = [];
    const attributes = sets.enter(TAG.set);
    while (!attributes.done) types.push(attributes.enter(TAG.sequence).readOid());
    parts.push(types);
  }
  return parts;
}
