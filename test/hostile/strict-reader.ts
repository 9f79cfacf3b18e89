/** An HTTP request, strictly by RFC 9112. */
export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  /** Values by lower-case name, in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that a field value may not have.
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*$/;

/**
 * Reads the first request of some bytes (Latin-1 text) by the grammar of RFC 9112 alone; returns the problem as a text if it
 * is not a complete request. It shares no code with the service or the parser of Node, so that both can be compared with it.
 */
export function readStrictly(text: string): StrictRequest | string {
  // RFC 9112 §2.2: empty lines before a request line are ignored.
  const trimmed = text.replace(/^(\r\n)+/, '');
  const end = trimmed.indexOf('\r\n\r\n');
  if (end < 0) return 'its header has no end';
  const [line = '', ...lines] = trimmed.slice(0, end).split('\r\n');
  const [, method, target, minor] = REQUEST_LINE.exec(line) ?? [];
  if (method === undefined || target === undefined) return 'its request line is malformed';
  const headers = new Map<string, string[]>();
  for (const field of lines) {
    const [, name, value = ''] = FIELD.exec(field) ?? [];
    if (name === undefined) return 'a header line is malformed';
    const values = headers.get(name.toLowerCase()) ?? [];
    headers.set(name.toLowerCase(), [...values, value]);
  }
  if ((headers.get('host')?.length ?? 0) > 1) return 'it has two Hosts';
  if (minor === '1' && !headers.has('host')) return 'it has no Host';
  const body = bodyOf(trimmed.slice(end + 4), headers);
  return 'wrong' in body ? body.wrong : { method, target, headers, body: body.text };
}

type Body = { readonly text: string } | { readonly wrong: string };

function bodyOf(rest: string, headers: ReadonlyMap<string, readonly string[]>): Body {
  const lengths = headers.get('content-length') ?? [];
  const codings = headers.get('transfer-encoding') ?? [];
  if (codings.length > 0) {
    if (lengths.length > 0) return { wrong: 'it has both framings' };
    if (codings.join().toLowerCase() !== 'chunked')
      return { wrong: 'its Transfer-Encoding is not chunked alone' };
    return chunksOf(rest);
  }
  if (lengths.length === 0) return { text: '' };
  if (lengths.length > 1 || !/^\d{1,15}$/.test(lengths[0] ?? ''))
    return { wrong: 'its Content-Length is malformed' };
  const length = Number(lengths[0]);
  return rest.length >= length ? { text: rest.slice(0, length) } : { wrong: 'its body is not whole' };
}

function chunksOf(text: string): Body {
  let body = '';
  for (let at = 0; ; ) {
    const end = text.indexOf('\r\n', at);
    // RFC 9112 §7.1.1: an extension follows a semicolon, with white space around it.
    const [, size] = /^([0-9a-f]{1,12})([ \t]*;[^\r\n]*)?$/i.exec(text.slice(at, Math.max(at, end))) ?? [];
    if (size === undefined) return { wrong: 'a chunk size is malformed' };
    const start = end + 2;
    const length = Number.parseInt(size, 16);
    if (length === 0) {
      const isEnded = /^([^\r\n]+:[^\r\n]*\r\n)*\r\n/.test(text.slice(start));
      return isEnded ? { text: body } : { wrong: 'its chunks have no end' };
    }
    if (text.slice(start + length, start + length + 2) !== '\r\n') return { wrong: 'a chunk has no end' };
    body += text.slice(start, start + length);
    at = start + length + 2;
  }
}

/** The operation that a request targets, and its grant. */
export interface StrictRoute {
  readonly operation: 'redeem' | 'check' | 'renew';
  /** UID in lower case, or `namespace/name`; empty for a renewal. */
  readonly grant: string;
}

/** Reads a request target by the rules of the wire; undefined for a target that matches no route. */
export function routeOf(target: string): StrictRoute | undefined {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').split('?')[0] ?? '';
  if (!path.startsWith('/') || path.includes('%') || target.includes('#')) return undefined;
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.join('/') === '-/renew') return { operation: 'renew', grant: '' };
  const isCheck = segments.length > 2 && segments.slice(-2).join('/') === '-/check';
  const grantSegments = isCheck ? segments.slice(0, -2) : segments;
  const operation = isCheck ? 'check' : 'redeem';
  if (grantSegments.length === 1) return { operation, grant: grantSegments[0]?.toLowerCase() ?? '' };
  return grantSegments.length === 2 ? { operation, grant: grantSegments.join('/') } : undefined;
}
