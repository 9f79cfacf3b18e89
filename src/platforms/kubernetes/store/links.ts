import { randomUUID } from 'node:crypto';
import { grantState } from '../../../domain/access-grant.js';
import { isNotRenewing, linkState } from '../../../domain/issued-certificate.js';
import { UNREFUSED } from '../../../redemption/ports/ledger-store.js';
import {
  CHANGING_RESOURCES,
  type ChangingResource,
  type LinkStore,
  MAX_WRONG_CODES,
  type RefusalCount,
} from '../../../redemption/ports/link-store.js';
import { sortedPage } from '../../../redemption/ports/page.js';
import {
  listAttemptRows,
  listIssuedLinks,
  readIssuedLinks,
  type StoreParts,
  watchedLinks,
} from './store-parts.js';

/** The operations of the store on links. */
export function linkStoreMethods(parts: StoreParts): LinkStore {
  const { watch, index, codes } = parts;
  // A version of another process cannot be compared with that of this process.
  const instance = randomUUID();
  return {
    async listLinks(page, matches) {
      const { grantUid } = page;
      // A revocation reads the links of its grant: a listing has all that were written before, the watch may be behind.
      const found =
        grantUid === undefined ? await readIssuedLinks(parts) : await listIssuedLinks(parts, grantUid);
      const links = found.filter(matches);
      return sortedPage(links, page, [0, ''], ({ createdAt, id }) => [-createdAt, id]);
    },

    async countLinks(now) {
      await watch.ready();
      const counts = { valid: 0, expiring: 0, expired: 0, revoked: 0, notRenewing: 0, validNotRenewing: 0 };
      for (const link of watchedLinks(parts)) {
        const state = linkState(link, now);
        counts[state] += 1;
        if (!isNotRenewing(link, now)) continue;
        counts.notRenewing += 1;
        if (state === 'valid') counts.validNotRenewing += 1;
      }
      return counts;
    },

    async countOpenCodes(now) {
      await watch.ready();
      const used = new Map<string, number>();
      for (const { grantUid, jti } of watchedLinks(parts))
        if (jti !== null) used.set(`${grantUid} ${jti}`, (used.get(`${grantUid} ${jti}`) ?? 0) + 1);
      const ready = new Set<string>();
      for (const grant of watch.grants()) if (grantState(grant, now) === 'ready') ready.add(grant.uid);
      const open = (await codes.list(undefined)).filter(
        ({ grantUid, jti, uses, expirationTime, revokedAt }) =>
          ready.has(grantUid) &&
          revokedAt === null &&
          expirationTime > now &&
          (used.get(`${grantUid} ${jti}`) ?? 0) < uses,
      );
      return open.length;
    },

    async countRefusals(since) {
      const counts = new Map<string, RefusalCount>();
      const { rows, wrongCodes } = await listAttemptRows(parts);
      for (const { code, count, lastAt } of rows) {
        if (lastAt < since || UNREFUSED.some((one) => one === code)) continue;
        const known = counts.get(code) ?? { code, count: 0, lastAt: 0 };
        counts.set(code, { code, count: known.count + count, lastAt: Math.max(known.lastAt, lastAt) });
      }
      await watch.ready();
      // The Events of a deleted grant stay for an hour.
      const grants = new Map(Array.from(watch.grants(), (grant) => [grant.uid, grant]));
      const latestFirst = wrongCodes
        .filter(({ grantUid, lastAt }) => lastAt >= since && grants.has(grantUid))
        .sort((a, b) => b.lastAt - a.lastAt);
      return {
        byCode: [...counts.values()].sort((a, b) => b.count - a.count || a.code.localeCompare(b.code)),
        wrongCodes: latestFirst.slice(0, MAX_WRONG_CODES).map(({ grantUid, namespace = '', ...row }) => ({
          ...{ grantUid, namespace, grantName: grants.get(grantUid)?.name ?? '' },
          ...{ count: row.count, lastAt: row.lastAt, lastPeer: row.peer },
        })),
      };
    },

    async readChanges(since) {
      await watch.ready();
      const version = [instance, watch.grantChanges, index.changes].join('.');
      if (since === undefined || since === version) return { version, changed: [] };
      const [, earlier = '', grants, links] = /^([0-9a-f-]{36})\.(\d+)\.(\d+)$/.exec(since) ?? [];
      if (earlier === '') throw new RangeError('not a version of the store');
      if (earlier !== instance) return { version, changed: CHANGING_RESOURCES };
      const changed = new Set<ChangingResource>(['ledger']);
      if (Number(grants) !== watch.grantChanges) changed.add('grants');
      // The count of a grant's redemptions follows from its links.
      if (Number(links) !== index.changes) changed.add('links').add('grants');
      return { version, changed: CHANGING_RESOURCES.filter((resource) => changed.has(resource)) };
    },
  };
}
