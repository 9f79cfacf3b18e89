/** The bytes are not the DER (X.690 §8, §10) that was expected; the message says what is wrong and quotes no content. */
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
  teletexString: 0x14,
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
  readonly whole: Uint8Array;
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

  /** Tag of the element that is next, undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** The next element, which must have the tag where one is given. */
  read(tag?: number): DerElement {
    const bytes = this.#bytes;
    const start = this.#at;
    const found = bytes[start];
    if (found === undefined) throw new DerError('an element is missing');
    if ((found & 0x1f) === 0x1f || found === 0) throw new DerError('a tag of a kind that is not used here');
    if (tag !== undefined && found !== tag) throw new DerError(`tag ${found} where ${tag} is expected`);
    const contentStart = start + 2;
    let length = bytes[start + 1];
    if (length === undefined) throw new DerError('a length is missing');
    let contentAt = contentStart;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count < 1 || count > 3) throw new DerError('an indefinite or excessive length');
      length = 0;
      for (; contentAt < contentStart + count; contentAt++) length = length * 256 + (bytes[contentAt] ?? 0);
      if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length that is not minimal');
    }
    const end = contentAt + length;
    if (end > bytes.length) throw new DerError('an element that reaches beyond its end');
    this.#at = end;
    return { tag: found, whole: bytes.subarray(start, end), content: bytes.subarray(contentAt, end) };
  }

  /** A reader of the content of the next element, which must have this tag. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content);
  }

  /** The content of the next element if it has this tag, else undefined and nothing is read. */
  optional(tag: number): Uint8Array | undefined {
    return this.nextTag === tag ? this.read(tag).content : undefined;
  }

  /** The content of a BIT STRING of whole bytes. */
  readBits(): Uint8Array {
    const { content } = this.read(TAG.bitString);
    if (content[0] !== 0) throw new DerError('a bit string that does not end with a whole byte');
    return content.subarray(1);
  }

  /** The big-endian bytes of an INTEGER that is not negative, without the sign byte; zero is one byte. */
  readUnsigned(): Uint8Array {
    const { content } = this.read(TAG.integer);
    const [first, second] = content;
    if (first === undefined || first >= 0x80) throw new DerError('an integer that is empty or negative');
    if (first === 0 && second !== undefined && second < 0x80)
      throw new DerError('an integer that is not minimal');
    return first === 0 && second !== undefined ? content.subarray(1) : content;
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  readOid(): string {
    const { content } = this.read(TAG.oid);
    const arcs: number[] = [];
    let arc = 0;
    let starts = true;
    for (const byte of content) {
      if (starts && byte === 0x80) throw new DerError('an object identifier that is not minimal');
      arc = arc * 128 + (byte & 0x7f);
      if (arc > Number.MAX_SAFE_INTEGER) throw new DerError('an object identifier that is too large');
      starts = byte < 0x80;
      if (!starts) continue;
      if (arcs.length === 0) arcs.push(arc < 80 ? Math.floor(arc / 40) : 2, arc < 80 ? arc % 40 : arc - 80);
      else arcs.push(arc);
      arc = 0;
    }
    if (!starts || arcs.length === 0) throw new DerError('an object identifier that is cut off');
    return arcs.join('.');
  }

  /** Refuses what was not read. */
  finish(): void {
    if (!this.done) throw new DerError('bytes after the end');
  }
}
