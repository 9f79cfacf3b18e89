import { hash } from 'node:crypto';

/** SHA-256 over bytes, or over text as UTF-8, in lower-case hex: how certificates, keys and requests are told apart. */
export function sha256Hex(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}
