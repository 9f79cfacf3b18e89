import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../domain/labels.js';
import { isUuid } from '../domain/names.js';
import { redemptionIdIn, splitCertificates } from '../pki/certificate-info.js';

const MAX_URL_LENGTH = 2048;
const MAX_CA_LENGTH = 64 * 1024;

/**
 * Returns the accepted annotations of a received Secret. The redemption id must be that of the certificate. The renewal URL must be
 * `https` and have the origin of the token's URL, if there is a token. The service's CA must be PEM, and is re-encoded. All others are
 * dropped.
 */
export function acceptedAnnotations(
  annotations: unknown,
  { tokenUrl, tlsCrt }: { readonly tokenUrl?: string | undefined; readonly tlsCrt: string },
): Readonly<Record<string, string>> {
  if (typeof annotations !== 'object' || annotations === null) return {};
  const received = annotations as Readonly<Record<string, unknown>>;
  const accepted: Record<string, string> = {};
  const id = received[SECRET_REDEMPTION_ID];
  if (typeof id === 'string' && isUuid(id) && redemptionIdIn(tlsCrt) === id)
    accepted[SECRET_REDEMPTION_ID] = id;
  const url = received[SECRET_RENEWAL_URL];
  if (typeof url === 'string' && isOwnUrl(url, tokenUrl)) accepted[SECRET_RENEWAL_URL] = url;
  const ca = received[SECRET_SERVER_CA];
  const certificates = typeof ca === 'string' && ca.length <= MAX_CA_LENGTH ? certificatesOf(ca) : undefined;
  if (certificates !== undefined) accepted[SECRET_SERVER_CA] = certificates;
  return accepted;
}

function isOwnUrl(url: string, tokenUrl: string | undefined): boolean {
  return (
    url.length <= MAX_URL_LENGTH &&
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
