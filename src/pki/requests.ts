import { type KeyObject, sign, verify } from 'node:crypto';
import type { ClientKeyType } from '../domain/policy.js';
import { DerError, DerReader, TAG } from './der.js';
import { bitString, element, encodeConstructed, oid } from './der-encoding.js';
import { encodeCommonName, onlyCommonName } from './distinguished-name.js';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm, signatureAlgorithmOf, spkiOf } from './keys.js';
import { readPublicKey } from './public-key.js';
import { CHALLENGE_PASSWORD, checkName, readAttributes } from './request-shape.js';
import { sha256Hex } from './sha256.js';

const MAX_REQUEST_BYTES = 4096;

/** A certificate request whose signature proves possession of its key. A redemption uses only the key, and the challenge. */
export interface CertificateRequest {
  /** DER of the SubjectPublicKeyInfo. */
  readonly spkiDer: Uint8Array;
  readonly keyType: ClientKeyType;
  /** SHA-256 over `spkiDer`, lower-case hex. */
  readonly keySha256: string;
  /** The subject, if it is only one common name. */
  readonly commonName?: string;
  /** The challengePassword (RFC 2985 §5.4.1), if there is exactly one. */
  readonly challenge?: string;
}

/** Why a request is not accepted. `reason` is text for the log or the client, and contains no part of the request. */
export interface CertificateRequestProblem {
  readonly invalid: 'csr_invalid' | 'key_weak';
  readonly reason: string;
}

function invalid(reason: string): CertificateRequestProblem {
  return { invalid: 'csr_invalid', reason };
}

/** Parses a PKCS#10 request (RFC 2986 §4). Returns its parts as views of `der`. Throws DerError. */
function parseRequest(der: Uint8Array) {
  const outer = new DerReader(der);
  const request = outer.enter(TAG.sequence);
  outer.finish();
  const info = request.read(TAG.sequence);
  const algorithmDer = request.read(TAG.sequence).der;
  const signature = request.readBits();
  request.finish();

  const fields = new DerReader(info.content);
  const version = fields.read(TAG.integer).content;
  if (version.length !== 1 || version[0] !== 0) throw new DerError('a version other than 0');
  const subject = fields.read(TAG.sequence);
  checkName(subject.content);
  const spkiDer = fields.read(TAG.sequence).der;
  const challenge = readAttributes(fields.read(0xa0).content);
  fields.finish();
  return { infoDer: info.der, algorithmDer, signature, spkiDer, subjectDer: subject.der, challenge };
}

function verifyRequest(der: Uint8Array): CertificateRequest | CertificateRequestProblem {
  const { infoDer, algorithmDer, signature, spkiDer, subjectDer, challenge } = parseRequest(der);
  const publicKey = readPublicKey(spkiDer);
  if ('weak' in publicKey) return { invalid: 'key_weak', reason: publicKey.weak };
  const accepted: readonly SignatureAlgorithm[] = SIGNATURE_ALGORITHMS[publicKey.keyType];
  const algorithm = accepted.find((candidate) => Buffer.compare(candidate.der, algorithmDer) === 0);
  if (!algorithm) return invalid('it is signed with an algorithm that is not accepted for its key');
  if (!verify(algorithm.digest, infoDer, publicKey.key, signature)) {
    return invalid('its signature does not prove possession of the key');
  }
  const commonName = onlyCommonName(subjectDer);
  return {
    spkiDer: Uint8Array.from(spkiDer),
    keyType: publicKey.keyType,
    keySha256: sha256Hex(spkiDer),
    ...(commonName !== undefined && { commonName }),
    ...(challenge !== undefined && { challenge }),
  };
}

/**
 * Parses and verifies a PKCS#10 request (DER) of an untrusted client; never throws. Accepts at most 4 KiB of strict DER. The key
 * must be P-256, P-384, RSA (2048 to 4096 bits, without known weaknesses) or Ed25519, and must have signed the request with
 * SHA-2.
 */
export function parseCertificateRequest(der: Uint8Array): CertificateRequest | CertificateRequestProblem {
  if (der.length > MAX_REQUEST_BYTES) return invalid('it is larger than 4 KiB');
  try {
    return verifyRequest(der);
  } catch (error) {
    return invalid(
      error instanceof DerError
        ? `it is not a PKCS#10 request in DER: ${error.message}`
        : 'its key is invalid',
    );
  }
}

/**
 * Creates a PKCS#10 request in DER for a private key (P-256, P-384, RSA or Ed25519), signed with this key. Its subject is the
 * first 64 characters of `commonName`; its challengePassword is `challenge`, if there is one.
 */
export function createCertificateRequest(key: KeyObject, commonName: string, challenge?: string): Uint8Array {
  const algorithm = signatureAlgorithmOf(key);
  const spkiDer = spkiOf(key);
  const infoDer = encodeConstructed(TAG.sequence, [
    element(TAG.integer, Buffer.of(0)),
    encodeCommonName(commonName),
    spkiDer,
    encodeConstructed(0xa0, challenge === undefined ? [] : [challengeAttribute(challenge)]),
  ]);
  const signature = sign(algorithm.digest, infoDer, key);
  return encodeConstructed(TAG.sequence, [infoDer, algorithm.der, bitString(signature)]);
}

function challengeAttribute(challenge: string): Uint8Array {
  const values = encodeConstructed(TAG.set, [element(TAG.utf8String, challenge)]);
  return encodeConstructed(TAG.sequence, [oid(CHALLENGE_PASSWORD), values]);
}
