import type { CodeStore, StoredCode } from '../../../redemption/ports/code-store.js';
import { sortedPage } from '../../../redemption/ports/page.js';
import { timeOf } from '../api/timestamp.js';
import type { StoredCodeRecord } from './code-config-maps.js';
import type { RedemptionResource, WrittenCode } from './redemption-resource.js';
import { listRedemptionResources, readLinks, type StoreParts } from './store-parts.js';

/** The record of a redeemed code that has no stored record: it was issued without the store, or its record was dropped. */
function codeWithoutRecord(grantUid: string, code: WrittenCode, used: number): StoredCode {
  const { jti, uses = 0, expirationTime, subject = null } = code;
  const expiresAt = timeOf(expirationTime) ?? 0;
  return { grantUid, jti, uses, expirationTime: expiresAt, subject, used, issuedAt: null, revokedAt: null };
}

/** Counts the uses of codes in Redemptions, by grant and jti. */
function countUses(resources: readonly RedemptionResource[]): Map<string, StoredCode> {
  const used = new Map<string, StoredCode>();
  for (const { spec } of resources) {
    if (!spec.code) continue;
    const key = `${spec.grantUid}/${spec.code.jti}`;
    const first = used.get(key) ?? codeWithoutRecord(spec.grantUid, spec.code, 0);
    used.set(key, { ...first, used: first.used + 1 });
  }
  return used;
}

/** The operations of the store on signed codes, from their stored records and the Redemptions that used them. */
export function codeOperations(parts: StoreParts): CodeStore {
  const { accounts, codes } = parts;
  return {
    async createCode({ used: _, ...code }) {
      await codes.update(code.grantUid, code.jti, (stored) => (stored ? undefined : code));
    },

    async findCode(grantUid, jti) {
      const account = await accounts.find(grantUid);
      const [stored] = await Promise.all([codes.find(grantUid, jti), account?.filledSlots.readAfter()]);
      const used = account?.slots.codeOf(jti);
      if (stored) return { ...stored, used: used?.uses ?? 0 };
      return used && codeWithoutRecord(grantUid, used.code, used.uses);
    },

    async listCodes(page) {
      const [stored, resources] = await Promise.all([
        codes.list(page.grantUid),
        listRedemptionResources(parts, page.grantUid),
      ]);
      const unlisted = countUses(resources);
      const all: StoredCode[] = stored.map((code) => {
        const key = `${code.grantUid}/${code.jti}`;
        const used = unlisted.get(key)?.used ?? 0;
        unlisted.delete(key);
        return { ...code, used };
      });
      all.push(...unlisted.values());
      return sortedPage(all, page, ['', ''], ({ grantUid, jti }) => [grantUid, jti]);
    },

    async countCodes(grantUid) {
      const [stored, links] = await Promise.all([codes.list(grantUid), readLinks(parts, grantUid)]);
      const ids = new Set([...stored, ...links].flatMap(({ jti }) => jti ?? []));
      return { recorded: ids.size, revoked: stored.filter(({ revokedAt }) => revokedAt !== null).length };
    },

    async revokeCode({ grantUid, jti, uses, expirationTime }, now) {
      const unset = { subject: null, issuedAt: null, revokedAt: null };
      const unstored: StoredCodeRecord = { grantUid, jti, uses, expirationTime, ...unset };
      const revoked = await codes.update(grantUid, jti, (stored = unstored) =>
        stored.revokedAt === null ? { ...stored, revokedAt: now } : undefined,
      );
      return revoked ? 'revoked' : 'already_revoked';
    },
  };
}
