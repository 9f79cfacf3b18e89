import type { KeyObject } from 'node:crypto';

/** How a key signs certificates and requests: node's digest name (null where the key fixes it) and the algorithm's DER. */
export interface SignatureAlgorithm {
  readonly digest: 'sha256' | 'sha384' | 'sha512' | null;
  /** DER of the AlgorithmIdentifier (RFC 5758 §3.2, RFC 4055 §5, RFC 8410 §3). */
  readonly der: Uint8Array;
}

function algorithm(digest: SignatureAlgorithm['digest'], hex: string): SignatureAlgorithm {
  return { digest, der: Buffer.from(hex, 'hex') };
}

/** The algorithms accepted in requests, by the kind of key; the first of each kind is the one that we sign with. */
export const SIGNATURE_ALGORITHMS = {
  p256: [
    algorithm('sha256', '300a06082a8648ce3d040302'),
    algorithm('sha384', '300a06082a8648ce3d040303'),
    algorithm('sha512', '300a06082a8648ce3d040304'),
  ],
  p384: [
    algorithm('sha384', '300a06082a8648ce3d040303'),
    algorithm('sha256', '300a06082a8648ce3d040302'),
    algorithm('sha512', '300a06082a8648ce3d040304'),
  ],
  rsa: [
    algorithm('sha256', '300d06092a864886f70d01010b0500'),
    algorithm('sha384', '300d06092a864886f70d01010c0500'),
    algorithm('sha512', '300d06092a864886f70d01010d0500'),
  ],
  ed25519: [algorithm(null, '300506032b6570')],
} as const satisfies Record<string, readonly SignatureAlgorithm[]>;

/** Kind of a key (private or public), undefined if it is none of those that are used here, whatever its size. */
export function keyKind(key: KeyObject): keyof typeof SIGNATURE_ALGORITHMS | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'rsa';
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  const curve = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined;
  return curve === 'prime256v1' ? 'p256' : curve === 'secp384r1' ? 'p384' : undefined;
}

/** What this key signs with. Throws TypeError for a key of another kind than P-256, P-384, RSA and Ed25519. */
export function signatureAlgorithmOf(key: KeyObject): SignatureAlgorithm {
  const kind = keyKind(key);
  if (!kind) throw new TypeError('keys of this kind do not sign here');
  return SIGNATURE_ALGORITHMS[kind][0];
}
