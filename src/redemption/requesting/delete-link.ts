import { PROXY_CONFIGURATION } from '../../domain/link.js';
import { redemptionIdIn } from '../../pki/certificate-info.js';
import {
  type LinkFiles,
  type LinkRecords,
  type LinkRedemption,
  linksNamed,
  type StoredLink,
} from '../ports/link-files.js';

/** The result of deleting a link. */
export interface DeletedLink {
  /** Locations of the deleted Links and Secrets. */
  readonly removed: readonly string[];
  /** Names of other Links that use the Secret, which therefore stays. */
  readonly secretUsedBy: readonly string[];
  readonly records: number;
  /** Certificates (PEM) of the deleted Secrets. A router that trusts their issuer still accepts them. */
  readonly certificates: readonly string[];
}

interface Dependencies {
  readonly links: LinkFiles;
  readonly records: LinkRecords;
}

/**
 * Deletes the Links of that name. Then deletes the Secret of their proxy, if linkgrant created it, the records of their
 * redemption, and the Secret with their credentials, each only if no other Link uses it. In this order no Link is ever without
 * its Secret, and a later run, which finds the Secret, completes an interrupted deletion. Undefined if there is no such link.
 */
export async function deleteLink(name: string, deps: Dependencies): Promise<DeletedLink | undefined> {
  const all = await deps.links.list();
  const links = linksNamed(all, name);
  const ownSecrets = await deps.links.ownSecrets();
  // A Secret of linkgrant without a Link is left over from an earlier run. Any other Secret of that name belongs to no link.
  const isLeftOver = ownSecrets.some((secret) => secret.name === name && !secret.isProxy);
  if (links.length === 0 && !isLeftOver) return undefined;
  const credentials = new Set(links.length > 0 ? links.map((link) => link.tlsCredentials) : [name]);
  const otherLinks = all.filter((link) => !links.includes(link));
  const removed: string[] = [];
  const remove = async (kind: 'Link' | 'Secret', resource: string) => {
    const location = await deps.links.remove(kind, resource);
    if (location !== undefined) removed.push(location);
  };
  for (const link of links) await remove('Link', link.name);
  for (const { name: proxy } of ownSecrets.filter(({ isProxy }) => isProxy)) {
    const usesProxy = (link: StoredLink) => link.settings?.[PROXY_CONFIGURATION] === proxy;
    const isCandidate = links.length === 0 || links.some(usesProxy);
    if (isCandidate && !otherLinks.some(usesProxy)) await remove('Secret', proxy);
  }
  const secretUsedBy: string[] = [];
  let records = 0;
  const certificates: string[] = [];
  for (const tlsCredentials of credentials) {
    const users = otherLinks.filter((link) => link.tlsCredentials === tlsCredentials);
    if (users.length > 0) {
      secretUsedBy.push(...users.map((link) => link.name));
      continue;
    }
    const tlsCrt = (await deps.links.findSecret(tlsCredentials))?.tlsCrt;
    if (tlsCrt !== undefined) certificates.push(tlsCrt);
    const usingSecret = links.filter((link) => link.tlsCredentials === tlsCredentials);
    records += await deps.records.remove(redemptionOf(usingSecret, tlsCrt));
    await remove('Secret', tlsCredentials);
  }
  return { removed, secretUsedBy, records, certificates };
}

/** The redemption of deleted Links. Its id is that of the first Link, else the one in the certificate, if linkgrant issued it. */
function redemptionOf([link]: readonly StoredLink[], tlsCrt = ''): LinkRedemption {
  return { redemptionId: link?.redemptionId ?? redemptionIdIn(tlsCrt), tlsCrt };
}
