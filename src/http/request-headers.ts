import type { IncomingMessage } from 'node:http';
import type { RedemptionErrorCode } from '../domain/redemption-error.js';

/** The headers of a request with a code; an empty one counts as absent. */
export interface RedemptionHeaders {
  readonly name: string | undefined;
  readonly subject: string | undefined;
  readonly csr: string | undefined;
  readonly renews: boolean;
}

// Retain a byte order mark, so that the validation of the subject sees it.
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ASCII = /^[\x20-\x7e]*$/;

/** Decodes a header value, which Node returns as Latin-1 (RFC 9110 §5.5), as UTF-8; undefined if it is not UTF-8. */
function decodeUtf8(value: string): string | undefined {
  // Most values are ASCII, and the decoder costs as much as reading all headers.
  if (ASCII.test(value)) return value;
  try {
    return UTF8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Reads the headers `name`, `subject`, `csr` and `renews`; refuses a repeated one, and a subject that is not UTF-8. */
export function readRedemptionHeaders(request: IncomingMessage): RedemptionHeaders | RedemptionErrorCode {
  const headers = request.headersDistinct;
  const [name, ...otherNames] = headers.name ?? [];
  const [subject = '', ...otherSubjects] = headers.subject ?? [];
  const [csr, ...otherCsrs] = headers.csr ?? [];
  const [renews, ...otherRenews] = headers.renews ?? [];
  const decodedSubject = decodeUtf8(subject);
  if (otherNames.length > 0) return 'name_invalid';
  if (otherSubjects.length > 0 || decodedSubject === undefined) return 'subject_invalid';
  // Not `csr_invalid` for a repeated CSR: the service returns that only after the token code is proven.
  if (otherCsrs.length > 0 || otherRenews.length > 0) return 'body_invalid';
  return {
    name: name || undefined,
    subject: decodedSubject || undefined,
    csr: csr || undefined,
    renews: renews === 'true',
  };
}

/** True if the client accepts an RFC 9457 problem. */
export function acceptsProblem(request: IncomingMessage): boolean {
  return request.headers.accept?.includes('application/problem+json') ?? false;
}
