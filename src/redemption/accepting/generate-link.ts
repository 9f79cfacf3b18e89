import { randomUUID } from 'node:crypto';
import { hashCode, mintCode } from '../../codes/opaque-code.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import { SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import { NO_LABELS_AND_NOTE } from '../../domain/labels-and-note.js';
import { type Link, type LinkSecret, linksToEndpoints } from '../../domain/link.js';
import type { GrantPolicy } from '../../domain/policy.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';
import { issueClientCertificate } from '../../pki/certificates.js';
import { generatePrivateKey, privateKeyPem, spkiOf } from '../../pki/keys.js';
import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { Site, SiteRefusal } from '../ports/site.js';
import { secretAnnotations } from './link-answer.js';
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
 * Creates a link on the accepting side. Its redemption is recorded as the only use of a grant that is created and deleted in the
 * same transaction, so that every redemption has a counted use.
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
  const grant = singleUseGrant({ namespace, issuer, siteUid: access.siteUid }, deps.clock());
  const key = await generatePrivateKey('p256');
  const id = randomUUID();
  const certificate = await issueClientCertificate({
    authority: access.issuer,
    spkiDer: spkiOf(key),
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
  const secret = {
    name,
    caCrt: access.caCrt,
    tlsCrt: redemption.certificate,
    tlsKey: privateKeyPem(key),
    annotations: service ? secretAnnotations(id, service) : { [SECRET_REDEMPTION_ID]: id },
  };
  const links = linksToEndpoints(name, access.endpoints);
  return { redemption, secret, links: links.map((link) => (cost === undefined ? link : { ...link, cost })) };
}

function singleUseGrant(
  properties: Pick<AccessGrant, 'namespace' | 'issuer' | 'siteUid'>,
  now: number,
): AccessGrant {
  const uid = randomUUID();
  return {
    ...properties,
    uid,
    name: `generated-${uid}`,
    // This code is never published.
    codeHash: hashCode(uid, Buffer.from(mintCode())),
    isUserSuppliedCode: false,
    sourceFile: null,
    redemptionsAllowed: 1,
    redemptions: 0,
    expirationWindowMs: WINDOW_MS,
    expirationTime: now + WINDOW_MS,
    policy: {},
    createdAt: now,
    readyAt: now,
    revokedAt: null,
    ...NO_LABELS_AND_NOTE,
  };
}
