import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../domain/labels.js';
import { isUuid } from '../domain/names.js';
import { redemptionIdIn, splitCertificates } from '../pki/certificate-info.js';

const LONGEST_URL = 2048;
const LONGEST_CA = 64 * 1024;

/**
 * The annotations of a received Secret that are kept: the redemption id, if the certificate names the same; the renewal URL, if it is
 * `https` and of the origin of the token's URL, if there is a token; the service's CA, if it is PEM, re-encoded. All others are dropped.
 */
export function keptAnnotations(
  annotations: unknown,
  { tokenUrl, tlsCrt }: { readonly tokenUrl?: string | undefined; readonly tlsCrt: string },
): Readonly<Record<string, string>> {
  if (typeof annotations !== 'object' || annotations === null) return {};
  const given = annotations as Readonly<Record<string, unknown>>;
  const kept: Record<string, string> = {};
  const id = given[SECRET_REDEMPTION_ID];
  if (typeof id === 'string' && isUuid(id) && redemptionIdIn(tlsCrt) === id) kept[SECRET_REDEMPTION_ID] = id;
  const url = given[SECRET_RENEWAL_URL];
  if (typeof url === 'string' && isOwnUrl(url, tokenUrl)) kept[SECRET_RENEWAL_URL] = url;
  const ca = given[SECRET_SERVER_CA];
  const certificates = typeof ca === 'string' && ca.length <= LONGEST_CA ? certificatesOf(ca) : undefined;
  if (certificates !== undefined) kept[SECRET_SERVER_CA] = certificates;
  return kept;
}

function isOwnUrl(url: string, tokenUrl: string | undefined): boolean {
  return (
    url.length <= LONGEST_URL &&
    /^https:\/\/[\x21-\x7e]+$/.test(url) &&
    URL.canParse(url) &&
    (tokenUrl === undefined || new URL(url).origin === new URL(tokenUrl).origin) &&
    new URL(url).username === ''
  );
}

function certificatesOf(pem: string): string | undefined {
  try {
    return splitCertificates(pem).join('');
  } catch {
    return undefined;
  }
}
