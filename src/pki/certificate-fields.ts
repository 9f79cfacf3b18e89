import { DerError, DerReader, TAG } from './der.js';

/** The parts of an X.509 certificate (RFC 5280 §4.1), as views of its DER. Times are milliseconds since the epoch. */
export interface CertificateFields {
  readonly tbsDer: Uint8Array;
  /** Serial number without its sign byte, lower-case hex. */
  readonly serial: string;
  /** DER of the AlgorithmIdentifier of the signature. */
  readonly signatureAlgorithmDer: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spkiDer: Uint8Array;
  /** The DER inside the OCTET STRING of each extension, by dotted object identifier. */
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  readonly signature: Uint8Array;
}

// Context-specific tags of optional fields, RFC 5280 §4.1.
const OPTIONAL_TAG = {
  version: 0xa0,
  issuerUniqueId: 0x81,
  subjectUniqueId: 0x82,
  extensions: 0xa3,
} as const;
const TIME = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

function readTime(reader: DerReader): number {
  const { tag, content } = reader.read();
  const text = Buffer.from(content).toString('latin1');
  const parts = TIME.exec(text);
  const length = tag === TAG.utcTime ? 13 : tag === TAG.generalizedTime ? 15 : 0;
  if (!parts || text.length !== length) throw new DerError('a time in another form than RFC 5280 allows');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  // RFC 5280 §4.1.2.5.1: two digits from 50 on are years of the 20th century.
  const fullYear = tag === TAG.generalizedTime ? year : year < 50 ? 2000 + year : 1900 + year;
  const time = new Date(0);
  time.setUTCFullYear(fullYear, month - 1, day);
  time.setUTCHours(hour, minute, second);
  return time.getTime();
}

function readExtensions(list: DerReader): Map<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  while (!list.done) {
    const extension = list.enter(TAG.sequence);
    const id = extension.readOid();
    // The flag `critical`.
    extension.optional(TAG.boolean);
    const { content } = extension.read(TAG.octetString);
    extension.finish();
    if (extensions.has(id)) throw new DerError('an extension that occurs twice');
    extensions.set(id, content);
  }
  return extensions;
}

/** Parses a certificate's DER without verifying anything. Throws DerError. */
export function parseCertificateFields(der: Uint8Array): CertificateFields {
  const outer = new DerReader(der);
  const certificate = outer.enter(TAG.sequence);
  outer.finish();
  const tbsElement = certificate.read(TAG.sequence);
  const signatureAlgorithm = certificate.read(TAG.sequence);
  const signature = certificate.readBits();
  certificate.finish();

  const tbs = new DerReader(tbsElement.content);
  tbs.optional(OPTIONAL_TAG.version);
  const serial = tbs.read(TAG.integer).content;
  if (Buffer.compare(tbs.read(TAG.sequence).der, signatureAlgorithm.der) !== 0) {
    throw new DerError('two different signature algorithms');
  }
  const issuer = tbs.read(TAG.sequence);
  const validity = tbs.enter(TAG.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  validity.finish();
  const subject = tbs.read(TAG.sequence);
  const spki = tbs.read(TAG.sequence);
  tbs.optional(OPTIONAL_TAG.issuerUniqueId);
  tbs.optional(OPTIONAL_TAG.subjectUniqueId);
  const extensionsDer = tbs.optional(OPTIONAL_TAG.extensions);
  tbs.finish();
  let extensions = new Map<string, Uint8Array>();
  if (extensionsDer) {
    const explicit = new DerReader(extensionsDer);
    extensions = readExtensions(explicit.enter(TAG.sequence));
    explicit.finish();
  }
  return {
    tbsDer: tbsElement.der,
    serial: Buffer.from(serial[0] === 0 && serial.length > 1 ? serial.subarray(1) : serial).toString('hex'),
    signatureAlgorithmDer: signatureAlgorithm.der,
    issuerDer: issuer.der,
    subjectDer: subject.der,
    notBefore,
    notAfter,
    spkiDer: spki.der,
    extensions,
    signature,
  };
}
