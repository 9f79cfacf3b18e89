// The maximum length of a redemption's body.
const MAX_LENGTH = 4096;

/** Returns the text of a compact JWS of at most 4096 bytes; undefined for another code. */
export function compactText(code: Uint8Array): string | undefined {
  if (code.length > MAX_LENGTH) return undefined;
  const text = Buffer.from(code).toString('latin1');
  // Checked before parsing, because most codes are not signed.
  const signature = /^eyJ[\w-]+\.[\w-]+\.([\w-]+)$/.exec(text)?.[1];
  if (signature === undefined) return undefined;
  // Only the canonical form of base64 is accepted.
  return Buffer.from(signature, 'base64url').toString('base64url') === signature ? text : undefined;
}
