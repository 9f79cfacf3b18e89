import type { LinkStatus } from '../../compose/kubernetes/requesting-cluster.js';
import type { LoadedState } from '../../compose/token-redemption.js';
import { commandContext } from '../../config/command-context.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { certificateState, isShortLived } from '../../domain/issued-certificate.js';
import type { LinkSecret } from '../../domain/link.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import type { StoredLink } from '../../redemption/ports/link-files.js';
import { renewableLink } from '../../redemption/requesting/renewable-link.js';
import { formatTime } from '../terminal/output.js';

/**
 * Returns the report of an outgoing link with its certificate, and a warning if the certificate needs attention. `hasTimer` is
 * false if no program has recently renewed the links that are due. For a cluster this is unknown, and `hasTimer` is true.
 */
export function outgoingReport(
  link: StoredLink,
  secret: LinkSecret | undefined,
  hasTimer: boolean,
): OutgoingReport {
  const { name, endpoints, cost, tlsCredentials, place } = link;
  return {
    name,
    cost: cost ?? 1,
    endpoints: endpoints.map(formatEndpoint),
    tlsCredentials,
    file: place,
    ...outgoingCertificate(secret, tlsCredentials, hasTimer),
  };
}

const NO_TIMER =
  'the certificate is short-lived, and no timer has renewed the links of this site in the last two days: the link cannot reconnect after the certificate expires; let a timer run `linkgrant link renew --all` at least daily';

function outgoingCertificate(secret: LinkSecret | undefined, name: string, hasTimer: boolean) {
  if (!secret) return { warning: `Secret "${name}" does not exist, or cannot be read` };
  try {
    const { subject, notBefore, notAfter } = describeCertificate(secret.tlsCrt);
    const state = certificateState({ notBefore, notAfter }, commandContext().clock());
    const isRenewable = !('problem' in renewableLink(secret));
    const isRenewing = isRenewable && isShortLived({ notBefore, notAfter });
    const warning = {
      valid: isRenewing && !hasTimer ? NO_TIMER : undefined,
      early: 'the certificate is not valid yet; check the clock of this machine',
      expiring: isRenewable
        ? 'a third or less of the lifetime of the certificate is left; run `linkgrant link renew --all`'
        : 'a third or less of the lifetime of the certificate is left, and it cannot be renewed; redeem a new token',
      expired: isRenewable
        ? 'the certificate has expired; run `linkgrant link renew --all`, or redeem a new token if that is refused'
        : 'the certificate has expired; redeem a new token',
    }[state];
    return {
      subject,
      notAfter: formatTime(notAfter),
      renewable: isRenewable,
      // Without --renew a certificate of 5 years is requested, because no timer renews it.
      renewedBy: isRenewing && hasTimer ? 'link renew' : null,
      ...(warning !== undefined && { warning }),
    };
  } catch {
    return { warning: `the certificate in Secret "${name}" cannot be read` };
  }
}

/** An outgoing link; members that are not known are absent. */
export interface OutgoingReport {
  readonly name: string;
  readonly cost: number;
  readonly endpoints: readonly string[];
  readonly tlsCredentials: string;
  readonly file: string;
  readonly subject?: string;
  readonly notAfter?: string;
  readonly renewable?: boolean;
  /** The command that renews its certificate; null if nothing renews it. */
  readonly renewedBy?: string | null;
  readonly warning?: string;
  /** Its state in the running router of a system site. */
  readonly router?: LoadedState;
  /** Its state in a cluster: the members of {@link LinkStatus}. */
  readonly ready?: boolean;
  readonly status?: string;
  readonly message?: string;
  readonly remoteSite?: string;
  readonly remoteSiteId?: string;
  readonly conditions?: LinkStatus['conditions'];
}
