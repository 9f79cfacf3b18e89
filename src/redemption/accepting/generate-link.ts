import { randomUUID } from 'node:crypto';
import { mintCode } from '../../codes/opaque-code.js';
import { NO_LABELS_AND_NOTE } from '../../domain/labels-and-note.js';
import type { Link, LinkSecret } from '../../domain/link.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';
import { issueClientCertificate } from '../../pki/certificates.js';
import { generateKey } from '../../pki/keys.js';
import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { Site, SiteRefusal } from '../ports/site.js';
import { newGrant } from './create-grant.js';
import { linkAnswer } from './link-answer.js';
import { UNATTENDED_LIFETIME_MS } from './redeem.js';
import { readService } from './service-description.js';
import { NOTHING_SEALED, uniqueReplayKey } from './stock-replay.js';

/** The properties of a link to generate. */
export interface GenerateLinkRequest {
  readonly namespace: string;
  /** Name of the Link and its Secret. */
  readonly name: string;
  readonly subject: string;
  /** Name of the CA that signs, or null for the site's default issuer. */
  readonly issuer: string | null;
  readonly cost?: number | undefined;
  /** Which endpoints the link connects to, also after a renewal. */
  readonly policy?: Pick<GrantPolicy, 'endpointRoles'>;
}

/** A recorded link for one peer, with its own credentials. */
export interface GeneratedLink {
  readonly redemption: Redemption;
  readonly secret: LinkSecret & { readonly tlsKey: string };
  /** At least one. */
  readonly links: readonly Link[];
}

// Longer than a transaction takes: the grant is redeemed in the transaction that creates it.
const WINDOW_MS = 60_000;

/**
 * Creates a link on the accepting side. A database records its redemption as the only use of a grant that is created and
 * deleted in the same transaction, so that every redemption has a counted use. In a cluster no grant is created.
 */
export async function generateLink(
  request: GenerateLinkRequest,
  deps: { readonly store: GrantStore; readonly site: Site; readonly clock: Clock },
): Promise<GeneratedLink | SiteRefusal | Refusal> {
  const { namespace, name, subject, issuer, cost, policy = {} } = request;
  const access = await deps.site.resolveAccess({ namespace, name, issuer, policy });
  if ('refused' in access) return access;
  // Without a published service there is no renewal URL.
  const service = await readService(deps.store);
  const uid = randomUUID();
  const wanted = {
    namespace,
    name: `generated-${uid}`,
    issuer: issuer ?? undefined,
    expirationWindowMs: WINDOW_MS,
  };
  // This code is never published.
  const grant = newGrant(wanted, { uid, code: mintCode(), isReady: true, now: deps.clock() });
  const { keyPem, spkiDer } = await generateKey('p256');
  const id = randomUUID();
  const certificate = await issueClientCertificate({
    authority: access.issuer,
    spkiDer,
    subject,
    redemptionId: id,
    lifetimeMs: UNATTENDED_LIFETIME_MS,
    now: deps.clock(),
  });
  const redemption: Redemption = {
    id,
    grantUid: grant.uid,
    namespace,
    issuer,
    replayKey: uniqueReplayKey(),
    mode: 'generated',
    name,
    subject,
    peer: 'local',
    jti: null,
    ...certificate,
    policy,
    siteUid: access.siteUid,
    ...NOTHING_SEALED,
    createdAt: deps.clock(),
    revokedAt: null,
    ...NO_LABELS_AND_NOTE,
  };
  const outcome = await deps.store.recordSingleUse(grant, redemption, deps.clock());
  if (outcome !== 'recorded') return 'refused' in outcome ? outcome : { refused: 'internal' };
  const credentials = { tlsCrt: redemption.certificate };
  const { secret, links } = linkAnswer(redemption, credentials, access, service && (() => service));
  return {
    redemption,
    secret: { ...secret, tlsKey: keyPem },
    links: links.map((link) => (cost === undefined ? link : { ...link, cost })),
  };
}
