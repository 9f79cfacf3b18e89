import { hash } from 'node:crypto';

/** SHA-256 over bytes, or over text as UTF-8, in lower-case hex. It identifies certificates, keys and requests. */
export function sha256Hex(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}
