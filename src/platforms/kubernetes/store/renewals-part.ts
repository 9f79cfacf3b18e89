import type { Renewal } from '../../../domain/issued-certificate.js';
import type { GrantStore, RevokedCertificate } from '../../../redemption/ports/grant-store.js';
import type { RenewalStore } from '../../../redemption/ports/renewal-store.js';
import type { Stored } from '../api/resource.js';
import { type RedemptionResource, readEarlier, readRedemption, readRenewals } from './redemption-resource.js';
import { recordRenewal } from './renewals.js';
import { listRedemptionResources, type StoreParts } from './store-parts.js';
import { findResource } from './stored-redemptions.js';

type RenewalMethods = Omit<RenewalStore, 'recordSuperseded'> & Pick<GrantStore, 'listRevokedCertificates'>;

/** The part of the store that keeps the certificates that followed a redemption's own. */
export function renewalsPart(parts: StoreParts): RenewalMethods {
  const { client, namespace, sealed } = parts;

  /** The newest certificates of redemptions that are not revoked, and when each was given, as far as valid at `now`. */
  const live = async (now: number) => {
    const resources = await listRedemptionResources(parts);
    return resources.flatMap((resource) => {
      const redemption = readRedemption(resource);
      const [renewal] = readRenewals(resource);
      const { issuerSha256, notAfter } = renewal ?? redemption;
      const isLive = redemption.revokedAt === null && notAfter > now;
      return isLive ? [{ issuerSha256, answeredAt: renewal?.renewedAt ?? redemption.createdAt }] : [];
    });
  };

  return {
    async findRenewedRedemption(id) {
      const resource = await findResource(client, id, namespace);
      if (!resource) return undefined;
      return {
        redemption: await sealed.joined(readRedemption(resource)),
        renewals: readRenewals(resource),
      };
    },

    recordRenewal: (renewal) => recordRenewal(renewal, parts),

    async listRenewals(id): Promise<readonly Renewal[]> {
      const resource = await findResource(client, id, namespace);
      return resource ? readRenewals(resource).reverse() : [];
    },

    async countDependents(issuerSha256, now) {
      return (await live(now)).filter((certificate) => certificate.issuerSha256 === issuerSha256).length;
    },

    async countAnsweredBefore(answeredBefore, now) {
      return (await live(now)).filter(({ answeredAt }) => answeredAt < answeredBefore).length;
    },

    async listRevokedCertificates(issuerSha256, now) {
      const resources = await listRedemptionResources(parts);
      return resources.flatMap((resource) => revokedOf(resource, issuerSha256, now));
    },
  };
}

function revokedOf(
  resource: Stored<RedemptionResource>,
  issuerSha256: string,
  now: number,
): RevokedCertificate[] {
  const redemption = readRedemption(resource);
  const { revokedAt } = redemption;
  if (revokedAt === null) return [];
  return [redemption, ...readRenewals(resource), ...readEarlier(resource)]
    .filter((certificate) => certificate.issuerSha256 === issuerSha256 && certificate.notAfter > now)
    .map(({ serial, notAfter }) => ({ serial, revokedAt, notAfter }));
}
