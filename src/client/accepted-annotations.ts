import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../domain/labels.js';
import { isUuid } from '../domain/names.js';
import { redemptionIdIn } from '../pki/certificate-info.js';
import { reencodeCertificates } from './proven-credentials.js';

const MAX_URL_LENGTH = 2048;
const MAX_CA_LENGTH = 64 * 1024;

/**
 * Returns those annotations of a received Secret that linkgrant uses and that are valid. The redemption id must be that of the
 * certificate. The renewal URL must be `https`, and have the origin of `tokenUrl` if that is present. The service's CA must be
 * PEM, and is re-encoded.
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
  if (typeof url === 'string' && isRenewalUrl(url, tokenUrl)) accepted[SECRET_RENEWAL_URL] = url;
  const ca = received[SECRET_SERVER_CA];
  const certificates =
    typeof ca === 'string' && ca.length <= MAX_CA_LENGTH ? reencodeCertificates(ca) : undefined;
  if (certificates !== undefined) accepted[SECRET_SERVER_CA] = certificates;
  return accepted;
}

function isRenewalUrl(url: string, tokenUrl: string | undefined): boolean {
  return (
    url.length <= MAX_URL_LENGTH &&
    /^https:\/\/[\x21-\x7e]+$/.test(url) &&
    URL.canParse(url) &&
    (tokenUrl === undefined || new URL(url).origin === new URL(tokenUrl).origin) &&
    new URL(url).username === ''
  );
}
