import { linkDirectory, openLinkRenewal, PendingReload } from '../../compose/open-links.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { shell } from '../../domain/shell-words.js';
import type { LinkFiles, StoredLink } from '../../redemption/ports/link-files.js';
import { type RenewLinkDependencies, renewLink } from '../../redemption/requesting/renew-link.js';
import {
  type RenewableLink,
  type RenewalServer,
  renewableLink,
} from '../../redemption/requesting/renewable-link.js';
import { retryDisposition } from '../../redemption/requesting/retry-disposition.js';
import { describeFailure } from '../terminal/failure.js';
import { formatTime } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import type { StoredLinkTarget } from './link-target.js';

/** Result of the renewal of one Secret; times in milliseconds since the epoch. */
export type SecretRenewal = { readonly secret: string; readonly links: readonly string[] } & (
  | {
      readonly outcome: 'renewed';
      /** SHA-256 of the new certificate; `notAfter` is its expiry. */
      readonly certificateSha256: string;
      readonly notAfter: number;
      readonly serial: string;
      readonly redemptionId: string;
    }
  | { readonly outcome: 'not-due'; readonly certificateSha256: string; readonly notAfter: number }
  | { readonly outcome: 'not-renewable'; readonly reason: string }
  | {
      readonly outcome: 'failed';
      readonly failure: ReturnType<typeof describeFailure>;
      /** True if the service would refuse each further request. */
      readonly isFinal: boolean;
      /** SHA-256 of the old certificate, which stays; `notAfter` is its expiry. */
      readonly certificateSha256: string;
      readonly notAfter: number;
    }
);

/** Which links to renew, and a renewal URL and CA that replace those of the links. */
export interface RenewalSelection {
  readonly isSelected: (link: RenewableLink) => boolean;
  readonly server?: Partial<RenewalServer> | undefined;
}

type RenewalDependencies = RenewLinkDependencies & { readonly links: LinkFiles };

/** Renews the Secrets of Links, each once, one after the other. A failure does not stop the others. */
export async function renewSecrets(
  links: readonly StoredLink[],
  selection: RenewalSelection,
  dependencies: RenewalDependencies,
): Promise<SecretRenewal[]> {
  const renewals: SecretRenewal[] = [];
  for (const secret of new Set(links.map((link) => link.tlsCredentials))) {
    const linkNames = links.filter((link) => link.tlsCredentials === secret).map((link) => link.name);
    const outcome = await renewSecret(secret, linkNames, selection, dependencies);
    renewals.push({ secret, links: linkNames, ...outcome });
  }
  return renewals;
}

type Outcome<T> = T extends unknown ? Omit<T, 'secret' | 'links'> : never;

async function renewSecret(
  secretName: string,
  linkNames: readonly string[],
  { isSelected, server }: RenewalSelection,
  dependencies: RenewalDependencies,
): Promise<Outcome<SecretRenewal>> {
  const secret = await dependencies.links.findSecret(secretName);
  if (!secret) {
    return { outcome: 'not-renewable', reason: await dependencies.links.explainMissingSecret(secretName) };
  }
  const link = renewableLink(secret, server);
  if ('problem' in link) return { outcome: 'not-renewable', reason: link.problem };
  const { certificateSha256, notAfter } = link;
  if (!isSelected(link)) return { outcome: 'not-due', certificateSha256, notAfter };
  try {
    const renewed = await renewLink(secretName, link, dependencies);
    const { certificate, redemptionId } = renewed;
    return {
      outcome: 'renewed',
      certificateSha256: renewed.certificateSha256,
      notAfter: certificate.notAfter,
      serial: certificate.serial,
      redemptionId,
    };
  } catch (error) {
    const failure = renewalFailure(error, linkNames[0] ?? secretName);
    const isFinal = error instanceof RedemptionError && retryDisposition(error) === 'rejected';
    return { outcome: 'failed', failure, isFinal, certificateSha256, notAfter };
  }
}

/** The codes of failures that occur if the service of a link has moved to another address or has another CA. */
const MOVED_CODES: ReadonlySet<string> = new Set([
  'dns',
  'connection_refused',
  'connection_timeout',
  'tls_untrusted',
  'tls_name',
]);

/** The codes whose usual hint is a new token, which an existing link does not need. */
const NEW_TOKEN_CODES: ReadonlySet<string> = new Set(['connection_refused', 'tls_untrusted']);

// The usual hint is for a redemption, with flags that a renewal does not have.
const POLICY_HINT =
  'ask the operator of the accepting site to change the rule of the grant; a link also has the rules of its redemption: if these refuse the renewal, redeem a new token';

function renewalFailure(error: unknown, link: string): ReturnType<typeof describeFailure> {
  const { message, hint, exitCode } = describeFailure(error);
  if (error instanceof RedemptionError && error.code.startsWith('policy_'))
    return { message, hint: POLICY_HINT, exitCode };
  if (!(error instanceof RedemptionError && MOVED_CODES.has(error.code))) return { message, hint, exitCode };
  const check = NEW_TOKEN_CODES.has(error.code) ? 'check that the service of the link runs' : hint;
  const renew = shell`linkgrant link renew ${link} --renewal-url https://HOST:PORT/-/renew`;
  const moved = `if the service has moved, run \`${renew}\`, with --server-ca if its CA is new too`;
  return { message, hint: `${check}; ${moved}`, exitCode };
}

/** Formats a renewal as a line of text. */
export function renewalText(renewal: SecretRenewal): string {
  const names = renewal.links.join(', ');
  switch (renewal.outcome) {
    case 'renewed':
      return `Renewed: ${names}, certificate valid until ${formatTime(renewal.notAfter)}\n`;
    case 'not-due':
      return plain`Not due: ${names}, certificate valid until ${formatTime(renewal.notAfter)} (\`linkgrant link renew NAME\` renews one link now)\n`;
    case 'not-renewable':
      return plain`Not renewable: ${names}: ${renewal.reason}\n`;
    case 'failed':
      return plain`Not renewed: ${names}: ${renewal.failure.message}\n`;
  }
}

/** Returns the report of a renewal for JSON and YAML output. */
export function secretRenewalReport(renewal: SecretRenewal) {
  const { secret, links, outcome } = renewal;
  return {
    secret,
    links,
    outcome,
    ...('notAfter' in renewal && { notAfter: formatTime(renewal.notAfter) }),
    ...(renewal.outcome === 'renewed' && { serial: renewal.serial, redemptionId: renewal.redemptionId }),
    ...(renewal.outcome === 'not-renewable' && { reason: renewal.reason }),
    ...(renewal.outcome === 'failed' && { error: renewal.failure.message }),
  };
}

/** Returns the failed renewals. */
export function failedOf(renewals: readonly SecretRenewal[]) {
  return renewals.flatMap((renewal) => (renewal.outcome === 'failed' ? [renewal] : []));
}

/** Returns the same links, but each replacement of credentials runs in `change`, which acquires a lock if the storage needs one. */
export function withLockedReplacement(
  links: LinkFiles,
  change: <T>(operation: (links: LinkFiles) => Promise<T>) => Promise<T>,
): LinkFiles {
  return {
    ...links,
    replaceCredentials: (...replacement) => change((locked) => locked.replaceCredentials(...replacement)),
  };
}

/** Returns the links of a target, and what their renewal needs. `timeoutMs` limits an exchange, except in a cluster. */
export function renewalOf(target: StoredLinkTarget, timeoutMs?: number): RenewalDependencies {
  if (target.kind === 'cluster') return { ...target.cluster.renewing, links: target.cluster.links };
  const { directory, dataDir, connection } = target;
  const reload = new PendingReload(dataDir, directory);
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  return {
    ...openLinkRenewal(dataDir, { ...connection, ...limit }),
    links: withLockedReplacement(linkDirectory(directory), (operation) => reload.change(operation)),
  };
}
