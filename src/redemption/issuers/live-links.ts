import { type IssuedCertificate, RENEWAL_GRACE_MS } from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { GrantStore } from '../ports/grant-store.js';
import { pagesOf } from '../ports/page.js';

/** A link that is not revoked, with a newest certificate that is valid or can still be renewed. */
export interface LiveLink {
  readonly redemption: Redemption;
  /** Its newest certificate. */
  readonly newest: IssuedCertificate;
  /** Number of its renewals. */
  readonly renewals: number;
}

/** The live links of one grant, or of all grants, oldest first, read page by page. */
export async function* liveLinks(
  store: Pick<GrantStore, 'listRedemptions' | 'findRenewedRedemption'>,
  filter: { readonly grantUid?: string },
  now: number,
): AsyncGenerator<LiveLink> {
  for await (const redemptions of pagesOf((page) => store.listRedemptions({ ...page, ...filter }))) {
    for (const redemption of redemptions) {
      if (redemption.revokedAt !== null) continue;
      const [renewal] = (await store.findRenewedRedemption(redemption.id))?.renewals ?? [];
      const newest = renewal ?? redemption;
      if (newest.notAfter + RENEWAL_GRACE_MS <= now) continue;
      yield { redemption, newest, renewals: renewal?.number ?? 0 };
    }
  }
}
