import { containsJoinLine } from '../../codes/join-line.js';
import { containsRequestLine, decodeRequestLine } from '../../codes/request-line.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { isSubject } from '../../domain/names.js';
import { decodePemBody, encodePem, hasCutBlock, pemBlocks } from '../../pki/pem.js';
import { type CertificateRequest, parseCertificateRequest } from '../../pki/requests.js';

/** A certificate request for a token that only its key can redeem. */
export interface TokenRequest extends Pick<CertificateRequest, 'keySha256' | 'keyType'> {
  /** The subject of the token. */
  readonly subject: string;
  /** PEM of the request, without the text around it. */
  readonly pem: string;
}

const LABELS: readonly string[] = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const ANOTHER =
  'ask the other site for what `linkgrant link request` prints, or for a request of `openssl req -new`';
const WHOLE = 'copy it again, from its beginning to its end';

/** True if a text contains the beginning of a certificate request, in PEM or as a request line. */
export function containsCertificateRequest(text: string): boolean {
  return LABELS.some((label) => text.includes(`-----BEGIN ${label}-----`)) || containsRequestLine(text);
}

/**
 * Returns the only certificate request in a text, in PEM or as a request line, verified, and the subject of its token: `subject`,
 * else the common name of the request. Throws AdministrationError `value_rejected`, whose message contains no part of the text.
 */
export function readTokenRequest(text: string, subject?: string): TokenRequest {
  const { commonName, keySha256, keyType, pem } = readCertificateRequest(text);
  const chosen = subject ?? commonName;
  if (chosen !== undefined && isSubject(chosen)) return { subject: chosen, keySha256, keyType, pem };
  throw rejected(
    'its subject is not one common name of printable characters',
    'choose the subject of the token, with --subject or in the form',
  );
}

/** Returns the only certificate request in a text, verified, and its PEM. Throws as {@link readTokenRequest} does. */
export function readCertificateRequest(text: string): CertificateRequest & { readonly pem: string } {
  if (PRIVATE_KEY.test(text)) {
    throw rejected(
      'the text contains a private key, which must not leave the machine where it was generated',
      'delete this text; the other site should generate another key, and send only the request',
    );
  }
  const der = decodeRequest(text);
  const request = parseCertificateRequest(der);
  if (!('invalid' in request)) return { ...request, pem: encodePem('CERTIFICATE REQUEST', der) };
  throw request.invalid === 'key_weak'
    ? rejected(`its key is ${request.reason}`, 'the other site should generate another key, such as P-256')
    : rejected(request.reason);
}

function decodeRequest(text: string): Uint8Array {
  const [request, ...others] = pemBlocks(text).filter(({ label }) => LABELS.includes(label));
  if (hasCutBlock(text)) throw rejected('it was cut off', WHOLE);
  const lines = text.match(/lgq1_/gi) ?? [];
  if (others.length > 0 || lines.length > (request ? 0 : 1))
    throw rejected('the text contains more than one request', 'issue one token for each request');
  if (!request) return decodeLine(text);
  try {
    return decodePemBody(request.body);
  } catch (error) {
    throw rejected((error as Error).message);
  }
}

function decodeLine(text: string): Uint8Array {
  if (containsJoinLine(text))
    throw rejected('it is a join line, which `linkgrant join` redeems on the other site');
  if (!containsRequestLine(text)) throw rejected('the text contains no certificate request');
  const derOrReason = decodeRequestLine(text);
  if (typeof derOrReason === 'string') throw rejected(derOrReason, WHOLE);
  return derOrReason;
}

function rejected(reason: string, hint = ANOTHER): AdministrationError {
  return new AdministrationError('value_rejected', `the certificate request cannot be used: ${reason}`, {
    member: 'request',
    hint,
  });
}
