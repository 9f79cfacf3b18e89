import { decodeJoinLine } from '../../codes/join-line.js';
import type { AccessToken, RedeemableToken } from '../../domain/access-token.js';
import { TOKEN_EXPIRATION_TIME, TOKEN_ISSUER_SITE, TOKEN_REDEMPTIONS_ALLOWED } from '../../domain/labels.js';
import { isResourceName } from '../../domain/names.js';
import { splitCertificates } from '../../pki/certificate-info.js';

// The service refuses a longer body.
const MAX_CODE_BYTES = 4096;
// Link.spec.cost is an int32.
const HIGHEST_COST = 2 ** 31 - 1;
const MAX_URL_LENGTH = 2048;

type Mapping = Readonly<Record<string, unknown>>;

/** Why a token is invalid, as the end of a sentence (`it has no spec.url`), without text that may be secret. */
class InvalidToken extends Error {}

/**
 * Returns the token in an AccessToken resource, or why it is invalid, as the end of a sentence. Ignores invalid values of
 * linkgrant's annotations.
 */
export function readAccessToken({
  metadata,
  spec,
}: {
  readonly metadata: Mapping;
  readonly spec: Mapping;
}): AccessToken | string {
  return parseOrReason(() => {
    const fields = parseFields(metadata.name, spec);
    return {
      ...fields,
      code: parseCode(spec.code),
      ca: parseCa(spec.ca),
      ...parseAnnotations(metadata.annotations),
    };
  });
}

/**
 * Returns the token in the first join line of a text, which may have no code, or why it is invalid, as the end of a sentence.
 */
export function readJoinLine(text: string): RedeemableToken | string {
  const line = decodeJoinLine(text);
  if (typeof line === 'string') return line;
  const { name, code, ca } = line;
  return parseOrReason(() => ({ ...parseFields(name, line), code: code === '' ? '' : parseCode(code), ca }));
}

/** Returns a token without a code, which the site redeems with its identity, or why it is invalid, as the end of a sentence. */
export function readServiceToken({ ca, ...fields }: Omit<RedeemableToken, 'code'>): RedeemableToken | string {
  return parseOrReason(() => {
    const link = parseFields(fields.name, fields);
    return { ...link, code: '', ca: typeof ca === 'string' ? parseCa(ca) : ca };
  });
}

function parseOrReason<T>(parse: () => T): T | string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidToken) return error.message;
    throw error;
  }
}

function parseFields(
  name: unknown,
  spec: { readonly url?: unknown; readonly linkCost?: unknown },
): Omit<AccessToken, 'ca' | 'code'> {
  const linkCost = parseLinkCost(spec.linkCost);
  return {
    name: parseName(name),
    url: parseUrl(spec.url),
    ...(linkCost !== undefined && { linkCost }),
  };
}

function parseName(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new InvalidToken('it has no metadata.name');
  if (!isResourceName(value)) throw new InvalidToken('its metadata.name is not an RFC 1123 subdomain');
  return value;
}

function parseUrl(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new InvalidToken('it has no spec.url');
  if (value.length > MAX_URL_LENGTH || !/^[\x21-\x7e]+$/.test(value) || !URL.canParse(value)) {
    throw new InvalidToken('its spec.url is not a URL');
  }
  const url = new URL(value);
  if (url.protocol !== 'https:')
    throw new InvalidToken(`its spec.url is ${url.protocol.slice(0, -1)}, not https`);
  if (url.username !== '' || url.password !== '')
    throw new InvalidToken('its spec.url contains a user or a password');
  if (value.includes('#')) throw new InvalidToken('its spec.url has a fragment');
  return value;
}

function parseCode(value: unknown): string {
  if (value === undefined || value === null || value === '') throw new InvalidToken('it has no spec.code');
  if (typeof value !== 'string') throw new InvalidToken('its spec.code is not text; put it in quotes');
  if (Buffer.byteLength(value) > MAX_CODE_BYTES) throw new InvalidToken('its spec.code is longer than 4 KiB');
  return value;
}

function parseCa(value: unknown): string {
  if (value === undefined || value === null || value === '') throw new InvalidToken('it has no spec.ca');
  if (typeof value !== 'string') throw new InvalidToken('its spec.ca is not text');
  try {
    return splitCertificates(value).join('');
  } catch {
    throw new InvalidToken('its spec.ca is not PEM of certificates');
  }
}

function parseLinkCost(value: unknown): number | undefined {
  // Skupper writes 0 for an unset cost.
  if (value === undefined || value === null || value === 0) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > HIGHEST_COST) {
    throw new InvalidToken(`its spec.linkCost is not a whole number from 1 to ${HIGHEST_COST}`);
  }
  return value;
}

function parseAnnotations(
  value: unknown,
): Pick<AccessToken, 'expirationTime' | 'redemptionsAllowed' | 'issuerSite'> {
  const annotations: Mapping = typeof value === 'object' && value !== null ? (value as Mapping) : {};
  const end = annotations[TOKEN_EXPIRATION_TIME];
  const expirationTime = typeof end === 'string' ? Date.parse(end) : Number.NaN;
  const allowed = annotations[TOKEN_REDEMPTIONS_ALLOWED];
  const redemptionsAllowed =
    typeof allowed === 'string' && /^[1-9]\d{0,8}$/.test(allowed) ? Number(allowed) : undefined;
  const issuer = annotations[TOKEN_ISSUER_SITE];
  const issuerSite = typeof issuer === 'string' && /^[\x20-\x7e]{1,253}$/.test(issuer) ? issuer : undefined;
  return {
    ...(!Number.isNaN(expirationTime) && { expirationTime }),
    ...(redemptionsAllowed !== undefined && { redemptionsAllowed }),
    ...(issuerSite !== undefined && { issuerSite }),
  };
}
