import { PROXY_CONFIGURATION } from '../../domain/link.js';
import { type LinkFiles, type LinkRecords, linksNamed, type StoredLink } from '../ports/link-files.js';

/** The removed resources and records, with their names in the storage. */
export interface DeletedLink {
  /** Names of the deleted Links; none if an earlier run had deleted them all. */
  readonly links: readonly string[];
  readonly removed: readonly string[];
  /** Other Links that use the Secret, which therefore stays. */
  readonly secretUsedBy: readonly string[];
  /** Number of removed redemption records. */
  readonly records: number;
  /** Certificates (PEM) of the Secrets that were removed. A router that trusts their issuer still accepts them. */
  readonly certificates: readonly string[];
}

interface Dependencies {
  readonly links: LinkFiles;
  readonly records: LinkRecords;
}

/**
 * Removes the Links of that name, then the Secret of their proxy if linkgrant created it and no other Link names it, then
 * their own Secret unless another Link uses it, then the records of their redemption. In this order no Link is ever without
 * its Secret, and after a crash a later run completes the deletion. Undefined if nothing has that name.
 */
export async function deleteLink(name: string, deps: Dependencies): Promise<DeletedLink | undefined> {
  const all = await deps.links.list();
  const wanted = linksNamed(all, name);
  const own = await deps.links.ownSecrets();
  const isLeft = own.some((secret) => secret.name === name && !secret.isProxy);
  // Without a Link, a Secret of linkgrant is left over from an earlier run; another Secret of that name is no link.
  if (wanted.length === 0 && !isLeft) return undefined;
  const credentials = new Set(wanted.length > 0 ? wanted.map((link) => link.tlsCredentials) : [name]);
  const others = all.filter((link) => !wanted.includes(link));
  const removed: string[] = [];
  const remove = async (kind: 'Link' | 'Secret', called: string) => {
    const place = await deps.links.remove(kind, called);
    if (place !== undefined) removed.push(place);
  };
  for (const link of wanted) await remove('Link', link.name);
  const proxies = own.filter(({ isProxy }) => isProxy);
  for (const { name: proxy } of proxies) {
    const namesIt = (link: StoredLink) => link.settings?.[PROXY_CONFIGURATION] === proxy;
    const isNamed = wanted.length === 0 || wanted.some(namesIt);
    if (isNamed && !others.some(namesIt)) await remove('Secret', proxy);
  }
  const secretUsedBy: string[] = [];
  let records = 0;
  const certificates: string[] = [];
  for (const tlsCredentials of credentials) {
    const users = others.filter((link) => link.tlsCredentials === tlsCredentials);
    if (users.length > 0) {
      secretUsedBy.push(...users.map((link) => link.name));
      continue;
    }
    const tlsCrt = (await deps.links.findSecret(tlsCredentials))?.tlsCrt;
    await remove('Secret', tlsCredentials);
    if (tlsCrt !== undefined) certificates.push(tlsCrt);
    const redemptionId = wanted.find((link) => link.tlsCredentials === tlsCredentials)?.redemptionId;
    records += await deps.records.remove({ redemptionId, tlsCrt });
  }
  return { links: wanted.map((link) => link.name), removed, secretUsedBy, records, certificates };
}
