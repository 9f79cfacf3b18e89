import { codeIdPrefix } from './code-id.js';
import { readSignedCode, type SignedCode, signedCodeKid, signedContent } from './signed-code.js';

const SIGNATURE_BYTES = 32;
const KEY_BYTES = 32;
const REPLACES_BYTES = 16;
const HAS_KEY = 1;
const HAS_REPLACES = 2;

/**
 * Packs a signed code of the grant `grantUid`: a byte with flags, the signature, the key that it is bound to, and the id of the
 * redemption that it replaces. Then follow texts, separated by NUL: `kid`, the end of the `jti`, the time of issue, the lifetime in
 * seconds and the number of uses in base 36, and the subject or nothing. Undefined if {@link unpackSignedCode} would not return
 * the code byte for byte.
 */
export function packSignedCode(code: string, grantUid: string): Buffer | undefined {
  const claims = readSignedCode(code);
  const kid = signedCodeKid(Buffer.from(code));
  if (claims?.grantUid !== grantUid || kid === undefined) return undefined;
  const { jti, keySha256, replaces, issuedAt, expirationTime, uses, subject = '' } = claims;
  const seconds = [issuedAt / 1000, (expirationTime - issuedAt) / 1000];
  const numbers = [...seconds, uses].map((number) => number.toString(36));
  const texts = [kid, jti.slice(codeIdPrefix(keySha256, replaces).length), ...numbers, subject];
  const packed = Buffer.concat([
    Buffer.from([(keySha256 === undefined ? 0 : HAS_KEY) | (replaces === undefined ? 0 : HAS_REPLACES)]),
    Buffer.from(code.slice(code.lastIndexOf('.') + 1), 'base64url'),
    Buffer.from(keySha256 ?? '', 'hex'),
    Buffer.from(replaces?.replaceAll('-', '') ?? '', 'hex'),
    Buffer.from(texts.join('\0')),
  ]);
  return unpackSignedCode(packed, grantUid) === code ? packed : undefined;
}

/**
 * Returns the text of a code that {@link packSignedCode} has packed; undefined for flags of a newer version. The signature is not
 * verified.
 */
export function unpackSignedCode(packed: Buffer, grantUid: string): string | undefined {
  const flags = packed[0] ?? 0;
  if (flags & ~(HAS_KEY | HAS_REPLACES)) return undefined;
  const signatureEnd = 1 + SIGNATURE_BYTES;
  const keyEnd = signatureEnd + (flags & HAS_KEY ? KEY_BYTES : 0);
  const replacesEnd = keyEnd + (flags & HAS_REPLACES ? REPLACES_BYTES : 0);
  const keySha256 = packed.toString('hex', signatureEnd, keyEnd) || undefined;
  const replaces = uuidOf(packed.subarray(keyEnd, replacesEnd)) || undefined;
  const [kid = '', id = '', issued = '', lifetime = '', uses = '', subject = ''] = packed
    .toString('utf8', replacesEnd)
    .split('\0');
  const issuedAt = Number.parseInt(issued, 36) * 1000;
  const code: SignedCode = {
    jti: codeIdPrefix(keySha256, replaces) + id,
    grantUid,
    uses: Number.parseInt(uses, 36),
    issuedAt,
    expirationTime: issuedAt + Number.parseInt(lifetime, 36) * 1000,
    ...(subject !== '' && { subject }),
    ...(keySha256 !== undefined && { keySha256 }),
    ...(replaces !== undefined && { replaces }),
  };
  const { header, claims } = signedContent(code, kid);
  const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return [...parts, packed.toString('base64url', 1, signatureEnd)].join('.');
}

/** Returns the text of a UUID of 16 bytes; an empty text for no bytes. */
export function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
