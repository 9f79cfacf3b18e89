import { formatEndpoint } from '../../domain/host-port-text.js';
import type { LinkSecret } from '../../domain/link.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { StoredLink } from '../../redemption/ports/link-files.js';
import { certificateLife, isShortLived } from '../../redemption/requesting/certificate-life.js';
import { renewableLink } from '../../redemption/requesting/renewable-link.js';
import { formatTime } from '../terminal/output.js';

/** The command that renews a link whose certificate was requested for 30 days. */
const RENEWAL = 'link renew';

/** An outgoing link, with its certificate and a warning if that needs attention. */
export function outgoingReport(
  link: StoredLink,
  secret: LinkSecret | undefined,
  { clock }: { readonly clock: Clock },
) {
  const { name, endpoints, cost, tlsCredentials, place } = link;
  return {
    name,
    cost: cost ?? 1,
    endpoints: endpoints.map(formatEndpoint),
    tlsCredentials,
    file: place,
    ...certificateReport(secret, tlsCredentials, clock()),
  };
}

/** The certificate of a link, and a warning if it needs attention. */
function certificateReport(secret: LinkSecret | undefined, name: string, now: number) {
  if (!secret) return { warning: `Secret "${name}" is not there` };
  try {
    const { subject, notBefore, notAfter } = describeCertificate(secret.tlsCrt);
    const life = certificateLife({ notBefore, notAfter }, now);
    const isRenewable = !('cannot' in renewableLink(secret));
    const warning = {
      valid: undefined,
      early: 'the certificate is not valid yet; check the clock of this machine',
      ending: isRenewable
        ? 'the certificate ends before long and nothing has renewed it; run `linkgrant link renew`'
        : 'the certificate ends before long and nothing renews it; redeem a new token in time',
      expired: isRenewable
        ? 'the certificate has ended; `linkgrant link renew` may still be in time, else redeem a new token'
        : 'the certificate has ended; redeem a new token',
    }[life];
    return {
      subject,
      notAfter: formatTime(notAfter),
      renewable: isRenewable,
      // A certificate with a lifetime of years was requested because nothing renews it.
      renewedBy: isRenewable && isShortLived({ notBefore, notAfter }) ? RENEWAL : null,
      ...(warning !== undefined && { warning }),
    };
  } catch {
    return { warning: `the certificate in Secret "${name}" cannot be read` };
  }
}
