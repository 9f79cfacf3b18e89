import { type LinkFiles, type LinkRecords, linksNamed } from './link-files.js';

/** What was removed, as its keeper calls it. */
export interface DeletedLink {
  readonly removed: readonly string[];
  /** The other Links that still use the Secret, which stays for them. */
  readonly secretUsedBy: readonly string[];
  /** Records of redemptions that went with it. */
  readonly records: number;
}

/**
 * Removes the Links that `name` means, then their Secret unless another Link uses it, then what is kept of their
 * redemption: in that order no Link is ever without its Secret, and running again finishes what a crash left. Undefined
 * if there is nothing of that name.
 */
export async function deleteLink(
  name: string,
  deps: { readonly links: LinkFiles; readonly records: LinkRecords },
): Promise<DeletedLink | undefined> {
  const all = await deps.links.list();
  const wanted = linksNamed(all, name);
  const names = new Set(wanted.map((link) => link.name));
  // With no Link left, a Secret of the name is what an earlier run did not come to.
  const credentials =
    wanted.length > 0 ? new Set(wanted.map((link) => link.tlsCredentials)) : new Set([name]);
  const removed: string[] = [];
  const secretUsedBy: string[] = [];
  let records = 0;
  for (const link of wanted) {
    const place = await deps.links.remove('Link', link.name);
    if (place !== undefined) removed.push(place);
  }
  for (const tlsCredentials of credentials) {
    const users = all.filter((link) => link.tlsCredentials === tlsCredentials && !names.has(link.name));
    if (users.length > 0) {
      secretUsedBy.push(...users.map((link) => link.name));
      continue;
    }
    const tlsCrt = (await deps.links.findSecret(tlsCredentials))?.tlsCrt;
    const place = await deps.links.remove('Secret', tlsCredentials);
    if (place !== undefined) removed.push(place);
    const redemptionId = wanted.find((link) => link.tlsCredentials === tlsCredentials)?.redemptionId;
    records += await deps.records.remove({ redemptionId, tlsCrt });
  }
  return removed.length === 0 && secretUsedBy.length === 0 ? undefined : { removed, secretUsedBy, records };
}
