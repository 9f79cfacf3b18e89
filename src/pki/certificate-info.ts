import { X509Certificate } from 'node:crypto';
import { certificateState } from '../domain/issued-certificate.js';
import { formatTime } from '../domain/rfc3339.js';
import {
  allowsUsage,
  type ChainLink,
  chainLinks,
  findChain,
  pathLimit,
  SignatureChecks,
} from './certificate-chain.js';
import { EXTENSION, KEY_USAGE } from './certificate-encoding.js';
import { DerReader, TAG } from './der.js';
import { subjectText } from './distinguished-name.js';
import { formatIpAddress } from './ip-address.js';
import { encodeCertificatePem, parseCertificates } from './pem.js';
import { certificateKeyProblem } from './public-key.js';
import { sha256Hex } from './sha256.js';

/** Returns the SHA-256 of each certificate of a PEM text, lower-case hex. */
export function certificateSha256s(pem: string): string[] {
  return parseCertificates(pem).map(({ raw }) => sha256Hex(raw));
}

/** The fields of a certificate that commands print and that checks use. Times are milliseconds since the epoch. */
export interface CertificateInfo {
  /** The common name, else the whole Name as text. */
  readonly subject: string;
  /** Lower-case hex without a sign byte. */
  readonly serial: string;
  /** SHA-256 over its DER, lower-case hex. */
  readonly sha256: string;
  /** SHA-256 over its SubjectPublicKeyInfo, lower-case hex. */
  readonly keySha256: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** True if the certificate is a CA that may sign certificates. */
  readonly isAuthority: boolean;
  /** Its DNS names and IP addresses, in order, each text once. */
  readonly hosts: readonly string[];
}

function hostsOf({ fields }: ChainLink): string[] {
  const extension = fields.extensions.get(EXTENSION.subjectAltName);
  const hosts = new Set<string>();
  if (!extension) return [];
  const names = new DerReader(extension).enter(TAG.sequence);
  while (!names.done) {
    const { tag, content } = names.read();
    if (tag === 0x82) hosts.add(Buffer.from(content).toString('latin1'));
    if (tag === 0x87) hosts.add(formatIpAddress(content));
  }
  return [...hosts];
}

/** Describes the first certificate of a PEM text. Throws an Error that names the defect of the text. */
export function describeCertificate(pem: string): CertificateInfo {
  const [first] = chainLinks(pem);
  const { x509, fields } = first;
  return {
    subject: subjectText(fields.subjectDer),
    serial: fields.serial,
    sha256: sha256Hex(x509.raw),
    keySha256: sha256Hex(fields.spkiDer),
    notBefore: fields.notBefore,
    notAfter: fields.notAfter,
    isAuthority: pathLimit(fields) !== undefined && allowsUsage(fields, KEY_USAGE.keyCertSign),
    hosts: hostsOf(first),
  };
}

/** Describes the first certificate of a PEM text; undefined if the text cannot be parsed. */
export function certificateInfo(pem: string): CertificateInfo | undefined {
  try {
    return describeCertificate(pem);
  } catch {
    return undefined;
  }
}

/**
 * Returns each certificate of a PEM text as its own PEM text, without the text around it. Throws an Error if there is no
 * PEM, a block is not a certificate or is cut off, or there are more than 16.
 */
export function splitCertificates(pem: string): string[] {
  return parseCertificates(pem).map((certificate) => encodeCertificatePem(certificate.raw));
}

/** Returns true if a certificate of a PEM text is not valid yet; false also if the text cannot be parsed. */
export function beginsLater(pem: string, now: number): boolean {
  try {
    return chainLinks(pem).some(({ fields }) => certificateState(fields, now) === 'early');
  } catch {
    return false;
  }
}

/**
 * Returns why a certificate (followed by its intermediates) cannot be trusted at `now` by a party that trusts only the
 * self-signed roots in `caPem`; undefined if it can. Host names and purposes are not checked. Pass the same `checks` for several
 * certificates, so that no signature is verified twice.
 */
export function verificationProblem(
  leafPem: string,
  caPem: string,
  now: number,
  checks = new SignatureChecks(),
): string | undefined {
  try {
    const [leaf, ...intermediates] = chainLinks(leafPem);
    const authorities = chainLinks(caPem);
    const state = certificateState(leaf.fields, now);
    if (state === 'expired') return `the certificate expired at ${formatTime(leaf.fields.notAfter)}`;
    if (state === 'early') return `the certificate is not valid before ${formatTime(leaf.fields.notBefore)}`;
    const keyProblem = certificateKeyProblem(leaf.fields.spkiDer);
    if (keyProblem !== undefined) return `the certificate has ${keyProblem}`;
    if (findChain(leaf, { trusted: authorities, others: intermediates }, now, checks)) return undefined;
    const issuerKeyProblems = [...intermediates, ...authorities].flatMap(
      ({ fields }) => certificateKeyProblem(fields.spkiDer) ?? [],
    );
    const why = issuerKeyProblems.length > 0 ? ` (a possible issuer has ${issuerKeyProblems[0]})` : '';
    return `no valid chain leads from the certificate to a root of the given CA certificates${why}`;
  } catch (error) {
    return (error as Error).message;
  }
}

const REDEMPTION_URI = /^URI:urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/**
 * Returns the redemption id in the alternative names of the first certificate of a PEM text (`urn:uuid:<id>`); undefined if there
 * is none, or more than one.
 */
export function redemptionIdIn(pem: string): string | undefined {
  let names: string;
  try {
    names = new X509Certificate(pem).subjectAltName ?? '';
  } catch {
    return undefined;
  }
  const ids = names.split(', ').flatMap((name) => REDEMPTION_URI.exec(name)?.[1] ?? []);
  return ids.length === 1 ? ids[0] : undefined;
}

/**
 * Returns the names that a router compares a host with: the DNS names of the first certificate of a PEM text, and its common
 * name. IP addresses of subjectAltName are not included, because routers do not compare them.
 */
export function routerNames(pem: string): string[] {
  const { subjectAltName, subject } = new X509Certificate(pem);
  const dnsNames = [...(subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,]+)/g)].map(
    ([, name]) => name as string,
  );
  const commonName = /^CN=(.+)$/m.exec(subject)?.[1];
  return [...new Set([...dnsNames, ...(commonName === undefined ? [] : [commonName])])];
}

/** True when `host` is one of `names` as TLS compares them (RFC 6125 §6.4: case folded, `*` for one whole label). */
export function namesHost(names: readonly string[], host: string): boolean {
  const wanted = host.toLowerCase();
  const [, parent] = /^[^.]+\.(.+)$/.exec(wanted) ?? [];
  return names.some((name) => {
    const lowerName = name.toLowerCase();
    return lowerName === wanted || (parent !== undefined && lowerName === `*.${parent}`);
  });
}
