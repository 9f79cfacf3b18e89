import { isIP } from 'node:net';
import { RENEWAL_GRACE_MS } from '../../../domain/issued-certificate.js';
import { type GrantPolicy, OWN_KEY_TYPE } from '../../../domain/policy.js';
import type { RedemptionErrorCode } from '../../../domain/redemption-error.js';
import { policyRefusal } from '../../accepting/check-policy.js';
import type { GrantStore } from '../../ports/grant-store.js';
import type { IssuedLink } from '../../ports/link-store.js';
import { pagesOf } from '../../ports/page.js';

/** The fields of a link that decide whether the rules of its grant allow its renewal. */
type RenewedLink = Pick<
  IssuedLink,
  'id' | 'grantUid' | 'name' | 'subject' | 'peer' | 'revokedAt' | 'notAfter'
>;

/** Returns the error code with which a renewal of a link would be refused; undefined if no rule of its grant refuses it. */
export type FindRenewalRefusal = (link: RenewedLink) => RedemptionErrorCode | undefined;

/**
 * Returns why the present rules of its grant refuse to renew a link at `now` with `linkgrant link renew`, from the address of its last
 * contact; undefined if they do not, if `policy` is undefined, and for a link that cannot be renewed at all. The rules at the redemption apply
 * too, but they have allowed that address.
 */
export function renewalRefusal(
  { name, subject, peer, revokedAt, notAfter }: Omit<RenewedLink, 'id' | 'grantUid'>,
  policy: GrantPolicy | undefined,
  now: number,
): RedemptionErrorCode | undefined {
  if (policy === undefined || revokedAt !== null || now >= notAfter + RENEWAL_GRACE_MS) return undefined;
  // A link that an operator issued has the operator in place of an address.
  const address = isIP(peer) === 0 ? undefined : peer;
  return policyRefusal(policy, { name, subject, peer: address, keyType: OWN_KEY_TYPE, csr: true });
}

/** Reads the present rules of all grants, and returns {@link renewalRefusal} for their links at `now`, computed once for each link. */
export async function readRenewalRefusals(
  store: Pick<GrantStore, 'listGrants'>,
  now: number,
): Promise<FindRenewalRefusal> {
  const policies = new Map<string, GrantPolicy>();
  for await (const grants of pagesOf((page) => store.listGrants(page)))
    for (const { uid, policy } of grants) policies.set(uid, policy);
  const refusals = new Map<string, RedemptionErrorCode | undefined>();
  return (link) => {
    if (!refusals.has(link.id)) refusals.set(link.id, renewalRefusal(link, policies.get(link.grantUid), now));
    return refusals.get(link.id);
  };
}
