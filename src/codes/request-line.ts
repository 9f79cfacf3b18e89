import { decodeWord, encodeWord } from './word.js';
import { containsWord } from './word-text.js';

const PREFIX = 'lgq1_';

/** Encodes the DER of a certificate request as one word. Undefined if `encodeWord` refuses its length. */
export function encodeRequestLine(csrDer: Uint8Array): string | undefined {
  return encodeWord(PREFIX, csrDer);
}

/** True if a text contains the beginning of a request line. */
export function containsRequestLine(text: string): boolean {
  return containsWord(PREFIX, text);
}

/** Reads the first request line in a text, or returns why it cannot be read, as `decodeWord` does. The DER is not validated. */
export function decodeRequestLine(text: string): Uint8Array | string {
  return decodeWord(PREFIX, text);
}
