/** The bytes are not the expected DER (X.690 §8, §10); the message names the defect and quotes no content. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Identifier octets of the types that keys, requests and certificates are made of. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element; both arrays are views of the input, not copies. */
export interface DerElement {
  readonly tag: number;
  /** Identifier, length and content. */
  readonly der: Uint8Array;
  readonly content: Uint8Array;
}

/**
 * Reads the elements of one DER encoding in order. Refuses indefinite and non-minimal lengths, tags of more than one
 * byte and elements that reach beyond their parent. All methods throw DerError.
 */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Tag of the next element, undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** Returns the next element. With `tag`, throws for another tag. */
  read(tag?: number): DerElement {
    const bytes = this.#bytes;
    const start = this.#at;
    const found = bytes[start];
    if (found === undefined) throw new DerError('an element is missing');
    if ((found & 0x1f) === 0x1f || found === 0) throw new DerError('a tag of a kind that is not used here');
    if (tag !== undefined && found !== tag) throw new DerError(`tag ${found} where ${tag} is expected`);
    const first = bytes[start + 1];
    if (first === undefined) throw new DerError('a length is missing');
    const isLong = first >= 0x80;
    const contentAt = start + 2 + (isLong ? first & 0x7f : 0);
    const length = isLong ? longLength(bytes, start + 2, contentAt) : first;
    const end = contentAt + length;
    if (end > bytes.length) throw new DerError('an element that reaches beyond its parent');
    this.#at = end;
    return { tag: found, der: bytes.subarray(start, end), content: bytes.subarray(contentAt, end) };
  }

  /** Returns a reader of the content of the next element, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content);
  }

  /** Returns the content of the next element if it has this tag. Otherwise reads nothing and returns undefined. */
  optional(tag: number): Uint8Array | undefined {
    return this.nextTag === tag ? this.read(tag).content : undefined;
  }

  /** Returns the content of a BIT STRING of whole bytes. */
  readBits(): Uint8Array {
    const { content } = this.read(TAG.bitString);
    if (content[0] !== 0) throw new DerError('a bit string that does not end with a whole byte');
    return content.subarray(1);
  }

  /** Returns the big-endian bytes of an INTEGER that is not negative, without the sign byte; zero is one byte. */
  readUnsigned(): Uint8Array {
    const { content } = this.read(TAG.integer);
    const [first, second] = content;
    if (first === undefined || first >= 0x80) throw new DerError('an integer that is empty or negative');
    if (first === 0 && second !== undefined && second < 0x80)
      throw new DerError('an integer that is not minimal');
    return first === 0 && second !== undefined ? content.subarray(1) : content;
  }

  /** Returns an OBJECT IDENTIFIER in dotted form. */
  readOid(): string {
    const [first, ...others] = subidentifiers(this.read(TAG.oid).content);
    if (first === undefined) throw new DerError('an object identifier that is cut off');
    // The first number stands for two arcs (X.690 §8.19.4), of which the first is 0, 1 or 2.
    const root = Math.min(2, Math.floor(first / 40));
    return [root, first - root * 40, ...others].join('.');
  }

  /** Throws if bytes remain that were not read. */
  finish(): void {
    if (!this.done) throw new DerError('bytes after the end');
  }
}

/** Reads a length of the long form (X.690 §8.1.3.5), whose bytes are from `start` to `end`. */
function longLength(bytes: Uint8Array, start: number, end: number): number {
  const count = end - start;
  if (count < 1 || count > 3) throw new DerError('an indefinite or excessive length');
  let length = 0;
  for (let at = start; at < end; at++) length = length * 256 + (bytes[at] ?? 0);
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length that is not minimal');
  return length;
}

/** Reads the numbers of an object identifier, each in base 128 with the highest bit set in all bytes but its last. */
function subidentifiers(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  let number = 0;
  let isStart = true;
  for (const byte of bytes) {
    if (isStart && byte === 0x80) throw new DerError('an object identifier that is not minimal');
    number = number * 128 + (byte & 0x7f);
    if (number > Number.MAX_SAFE_INTEGER) throw new DerError('an object identifier that is too large');
    isStart = byte < 0x80;
    if (!isStart) continue;
    numbers.push(number);
    number = 0;
  }
  if (!isStart) throw new DerError('an object identifier that is cut off');
  return numbers;
}
