import { type Link, type LinkSecret, mergeLink, PROXY_CONFIGURATION } from '../../domain/link.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import type { Checkpoint, Clock } from '../ports/clock.js';
import type { LinkRequestStore } from '../ports/link-requests.js';
import type { MaterializedResources, Materializer } from '../ports/materializer.js';
import type { PendingRedemption } from '../ports/pending-redemption.js';
import type { ReceivedLink } from '../ports/redemption-client.js';
import { removeRequestOf } from './redemption-key.js';

/** A received link, and the key that its certificate was requested for. */
export interface KeyedLink {
  readonly received: ReceivedLink;
  readonly keyPem: string;
}

/** A materialized link. */
export interface MaterializedLink extends ReceivedLink, MaterializedResources {
  /** The Secret and the Links as they were materialized, including the key and the cost. */
  readonly secret: LinkSecret;
  readonly links: readonly Link[];
  /** True if an earlier run received the response, and this run sent no request. */
  readonly alreadyRedeemed: boolean;
}

/** How a received link is materialized. */
export interface MaterializingRequest {
  readonly alreadyRedeemed: boolean;
  /** Cost of the Links, at least 1, which also replaces that of existing Links. */
  readonly linkCost?: number | undefined;
  /** Cost of new Links without `linkCost`; absent for the received one. */
  readonly tokenLinkCost?: number | undefined;
  /** Name of the Secret with the HTTP proxy of the router. */
  readonly proxyConfiguration?: string | undefined;
  /** SHA-256 of the key of the waiting request, which is removed at the end; absent if there is none. */
  readonly boundKey?: string | undefined;
}

/** Writes the Secret and the Links of a received link, stores the outcome, and removes the waiting request. Safe to repeat. */
export async function materializeLink(
  { received, keyPem }: KeyedLink,
  { alreadyRedeemed, linkCost, tokenLinkCost, proxyConfiguration, boundKey }: MaterializingRequest,
  pending: PendingRedemption,
  deps: {
    readonly materializer: Materializer;
    readonly clock: Clock;
    readonly checkpoint: Checkpoint;
    readonly linkRequests?: LinkRequestStore | undefined;
  },
): Promise<MaterializedLink> {
  const redeemed = { ...received.secret, tlsKey: received.secret.tlsKey ?? keyPem };
  const overrides = {
    cost: linkCost,
    settings: proxyConfiguration === undefined ? undefined : { [PROXY_CONFIGURATION]: proxyConfiguration },
  };
  const tokenOverrides = { cost: linkCost ?? tokenLinkCost, settings: overrides.settings };
  const links = received.links.map((link) => mergeLink(link, {}, tokenOverrides));
  const resources = await deps.materializer.materialize(redeemed, links, deps.checkpoint, overrides);
  const renewed = await deps.materializer.findRenewed(redeemed);
  const secret = renewed ?? redeemed;
  const certificate = renewed ? describeCertificate(renewed.tlsCrt) : received.certificate;
  await pending.storeOutcome({
    redeemedAt: new Date(deps.clock()).toISOString(),
    redemptionId: received.redemptionId ?? null,
    source: received.source,
    secret: secret.name,
    links: links.map((link) => link.name),
    certificateSerial: certificate.serial,
    certificateNotAfter: new Date(certificate.notAfter).toISOString(),
    written: resources.written,
  });
  await deps.checkpoint('outcome-written');
  await removeRequestOf(boundKey, deps.linkRequests);
  return { ...received, secret, certificate, links, alreadyRedeemed, ...resources };
}
