import { hash } from 'node:crypto';
import { readWord, type WordPrefix, writeWord } from './word-text.js';

const CHECKSUM_BYTES = 4;

/** Encodes bytes as one word that people can copy, with a checksum. The first byte must not be 0. Undefined if it is too long. */
export function encodeWord(prefix: WordPrefix, content: Uint8Array): string | undefined {
  return writeWord(prefix, Buffer.concat([content, checksum(content)]));
}

/** Decodes the first word with this prefix in a text, or returns why it cannot be decoded, as `readWord` does. */
export function decodeWord(prefix: WordPrefix, text: string): Buffer | string {
  const found = readWord(prefix, text);
  if (typeof found === 'string') return found;
  const bytes = Buffer.from(found);
  const content = bytes.subarray(0, -CHECKSUM_BYTES);
  return checksum(content).equals(bytes.subarray(-CHECKSUM_BYTES))
    ? content
    : 'its checksum does not match: a part is mistyped, missing, or in the wrong case';
}

function checksum(content: Uint8Array): Buffer {
  return hash('sha256', content, 'buffer').subarray(0, CHECKSUM_BYTES);
}
