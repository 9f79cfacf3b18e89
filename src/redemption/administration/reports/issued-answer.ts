import { SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../../domain/labels.js';
import type { LinkEndpoint } from '../../../domain/link.js';
import { encodeLinkDocuments } from '../../../domain/link-resources.js';
import { formatTime } from '../../../domain/rfc3339.js';
import { certificateSha256s } from '../../../pki/certificate-info.js';
import type { Redeemed } from '../../accepting/redeem.js';

/** The answer to a certificate request: a link, for a site without a network to the service. */
export interface IssuedAnswer {
  readonly redemptionId: string;
  readonly grantUid: string;
  /** Name of the link. */
  readonly name: string;
  readonly subject: string;
  /** SHA-256 over the SubjectPublicKeyInfo of the key of the request, lower-case hex. */
  readonly keySha256: string;
  /** SHA-256 of each CA that the site will trust for its link, lower-case hex. */
  readonly caSha256: readonly string[];
  /** When the certificate ends, RFC 3339. */
  readonly notAfter: string;
  /** Where the link leads. */
  readonly endpoints: readonly LinkEndpoint[];
  /** Where a site with a network can renew the link, and the CAs of that service; absent if no service has run. */
  readonly renewal?: { readonly url: string; readonly caSha256: readonly string[] };
  /** True if an earlier call issued this certificate, so that no use was counted. */
  readonly replayed: boolean;
  /** YAML of the Secret, without a private key, and of its Links: the content of the answer file. No secret. */
  readonly answer: string;
}

/** Builds the report of a link that was issued for the key with this SHA-256. */
export function issuedAnswer(
  { redemption, secret, links, replayed }: Redeemed,
  keySha256: string,
): IssuedAnswer {
  const { [SECRET_RENEWAL_URL]: url, [SECRET_SERVER_CA]: ca } = secret.annotations ?? {};
  return {
    redemptionId: redemption.id,
    grantUid: redemption.grantUid,
    name: redemption.name,
    subject: redemption.subject,
    keySha256,
    caSha256: certificateSha256s(secret.caCrt),
    notAfter: formatTime(redemption.notAfter),
    endpoints: links.flatMap((link) => link.endpoints),
    ...(url !== undefined && ca !== undefined && { renewal: { url, caSha256: certificateSha256s(ca) } }),
    replayed,
    answer: encodeLinkDocuments(secret, links),
  };
}
