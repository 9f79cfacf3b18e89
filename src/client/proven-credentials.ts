import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { allowsPurpose, chainLink } from '../pki/certificate-chain.js';
import { PURPOSE } from '../pki/certificate-encoding.js';
import { certificateInfo, splitCertificates, verificationProblem } from '../pki/certificate-info.js';
import { privateKeyPem, readPrivateKey } from '../pki/keys.js';
import { parseCertificates } from '../pki/pem.js';
import { OtherKey, type ReceivedCertificate } from '../redemption/ports/redemption-client.js';

/** The values of a link's Secret, re-encoded as PEM, and verified to belong together. */
export interface ProvenCredentials {
  readonly caCrt: string;
  readonly tlsCrt: string;
  /** PKCS#8; absent if the credentials were received without a key. */
  readonly tlsKey?: string;
  readonly certificate: ReceivedCertificate;
}

/**
 * Verifies the first certificate of `tlsCrt`: it must be for the key `tlsKey`, or without `tlsKey` for the key of `context`;
 * it must verify against `caCrt`; it must be for TLS clients. Returns the values, or OtherKey if the certificate is not for the
 * key of `context`. Returns any other problem as a text that begins with `its`.
 */
export function proveCredentials(
  pems: { readonly caCrt: string; readonly tlsCrt: string; readonly tlsKey?: string },
  context: { readonly privateKeyPem: string; readonly now: number },
): ProvenCredentials | OtherKey | string {
  const caCrt = reencodeCertificates(pems.caCrt);
  const tlsCrt = reencodeCertificates(pems.tlsCrt);
  if (caCrt === undefined) return 'its ca.crt is not PEM of certificates';
  if (tlsCrt === undefined) return 'its tls.crt is not PEM of certificates';
  const key = readKey(pems.tlsKey ?? context.privateKeyPem);
  if (!key) return 'its tls.key is not a PEM private key';
  const [leaf] = parseCertificates(tlsCrt);
  if (!leaf?.publicKey.equals(createPublicKey(key))) {
    return pems.tlsKey === undefined
      ? new OtherKey('its certificate is not for the key of the request')
      : 'its tls.key does not belong to its certificate';
  }
  const info = certificateInfo(tlsCrt);
  if (!info) return 'its certificate has a form that cannot be read';
  const { subject, serial, notBefore, notAfter } = info;
  // Ignore that the certificate is not valid yet: the local clock may be slow, and the redemption is already counted.
  const problem = verificationProblem(tlsCrt, caCrt, Math.max(context.now, notBefore));
  if (problem !== undefined) return `its certificate does not verify against its ca.crt (${problem})`;
  if (!isForClients(leaf)) return 'its certificate is not for TLS clients';
  return {
    caCrt,
    tlsCrt,
    ...(pems.tlsKey !== undefined && { tlsKey: privateKeyPem(key) }),
    certificate: { subject, serial, notAfter },
  };
}

/** False if extendedKeyUsage excludes TLS clients (RFC 5280 §4.2.1.12), because no router accepts such a certificate. */
function isForClients(certificate: X509Certificate): boolean {
  try {
    return allowsPurpose(chainLink(certificate).fields, PURPOSE.client);
  } catch {
    return false;
  }
}

/** Returns the certificates of a PEM text without the text around them; undefined if it is not PEM of certificates. */
export function reencodeCertificates(pem: string): string | undefined {
  try {
    return splitCertificates(pem).join('');
  } catch {
    return undefined;
  }
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return readPrivateKey(pem);
  } catch {
    return undefined;
  }
}
