import { DerError, DerReader, TAG } from './der.js';
import { KIND_NOT_ACCEPTED, readAcceptedKind, readsAcceptedCurve, rsaProblem } from './public-key.js';

/** Forms of an unencrypted private key, as `createPrivateKey` names them, by the label of their PEM block. */
export const PRIVATE_KEY_FORMS = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
} as const;

/** Form of an unencrypted private key. */
export type PrivateKeyForm = (typeof PRIVATE_KEY_FORMS)[keyof typeof PRIVATE_KEY_FORMS];

/** Tags of the curve and of the public key in an ECPrivateKey. */
const EC_TAG = { curve: 0xa0, publicKey: 0xa1 } as const;

/** Numbers of an RSA private key after its modulus and exponent: d, p, q, d mod p-1, d mod q-1 and 1/q mod p. */
const SECRET_RSA_NUMBERS = 6;

/**
 * Returns why a private key (DER in this form) is not accepted, as a noun phrase; undefined if it is. OpenSSL computes with
 * a key of another kind, or with longer numbers, for seconds or hours, so this check runs before OpenSSL reads the key. Throws
 * DerError.
 */
export function privateKeyProblem(form: PrivateKeyForm, der: Uint8Array): string | undefined {
  if (form === 'pkcs1') return rsaKeyProblem(der);
  if (form === 'sec1') return ecKeyProblem(der, true);
  const key = fieldsOf(der);
  key.readUnsigned();
  const kind = readAcceptedKind(key.enter(TAG.sequence));
  const content = key.read(TAG.octetString).content;
  if (kind === 'rsa') return rsaKeyProblem(content);
  if (kind === 'ec') return ecKeyProblem(content, false);
  return kind === undefined ? KIND_NOT_ACCEPTED : undefined;
}

function fieldsOf(der: Uint8Array): DerReader {
  const outer = new DerReader(der);
  const fields = outer.enter(TAG.sequence);
  outer.finish();
  return fields;
}

/** Reads an RSAPrivateKey of two primes (RFC 8017 A.1.2). */
function rsaKeyProblem(der: Uint8Array): string | undefined {
  const numbers = fieldsOf(der);
  numbers.readUnsigned();
  const modulus = numbers.readUnsigned();
  const problem = rsaProblem(modulus, numbers.readUnsigned());
  if (problem !== undefined) return problem;
  for (let count = 0; count < SECRET_RSA_NUMBERS; count++) {
    if (numbers.readUnsigned().length > modulus.length) return 'an RSA key with a number above its modulus';
  }
  numbers.finish();
  return undefined;
}

/** Reads an ECPrivateKey (RFC 5915 §3). Its curve overrides that of a PKCS#8 structure around it. */
function ecKeyProblem(der: Uint8Array, requiresCurve: boolean): string | undefined {
  const key = fieldsOf(der);
  key.readUnsigned();
  key.read(TAG.octetString);
  const curve = key.optional(EC_TAG.curve);
  key.optional(EC_TAG.publicKey);
  key.finish();
  if (curve === undefined && requiresCurve) throw new DerError('an EC key without a curve');
  return curve === undefined || readsAcceptedCurve(new DerReader(curve)) ? undefined : KIND_NOT_ACCEPTED;
}
