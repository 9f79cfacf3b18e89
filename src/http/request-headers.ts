import type { IncomingMessage } from 'node:http';
import type { RedemptionErrorCode } from '../domain/redemption-error.js';

/** The request headers of the redemption wire; an empty one counts as absent. */
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

/** The refusal of a repeated header. `csr_invalid` is returned only after the code is proven, so it is not used here. */
const REPEATED = {
  name: 'name_invalid',
  subject: 'subject_invalid',
  csr: 'body_invalid',
  renews: 'body_invalid',
} as const satisfies Record<keyof RedemptionHeaders, RedemptionErrorCode>;

function isRedemptionHeader(header: string): header is keyof RedemptionHeaders {
  return Object.hasOwn(REPEATED, header);
}

/** Reads the headers `name`, `subject`, `csr` and `renews`; a repeated or undecodable one is refused. */
export function readRedemptionHeaders(request: IncomingMessage): RedemptionHeaders | RedemptionErrorCode {
  const values = new Map<string, string>();
  const { rawHeaders } = request;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = (rawHeaders[index] as string).toLowerCase();
    if (!isRedemptionHeader(header)) continue;
    if (values.has(header)) return REPEATED[header];
    values.set(header, rawHeaders[index + 1] as string);
  }
  const subject = decodeUtf8(values.get('subject') ?? '');
  if (subject === undefined) return 'subject_invalid';
  return {
    name: values.get('name') || undefined,
    subject: subject || undefined,
    csr: values.get('csr') || undefined,
    renews: values.get('renews') === 'true',
  };
}

/** True if the client accepts an RFC 9457 problem. */
export function acceptsProblem(request: IncomingMessage): boolean {
  return request.headers.accept?.includes('application/problem+json') ?? false;
}
