import type { CodeStore, StoredCode } from '../../../redemption/ports/code-store.js';
import { sortedPage } from '../../../redemption/ports/page.js';
import { timeOf } from '../api/timestamp.js';
import type { StoredCodeRecord } from './code-config-maps.js';
import type { WrittenCode } from './redemption-resource.js';
import { type GrantSelection, readGrants, readRedemptions, type StoreParts } from './store-parts.js';

/** The record of a redeemed code that has no stored record: it was issued without the store, or its record was dropped. */
function codeWithoutRecord(grantUid: string, code: WrittenCode, used: number): StoredCode {
  const { jti, uses = 0, expirationTime, subject = null } = code;
  const expiresAt = timeOf(expirationTime) ?? 0;
  return { grantUid, jti, uses, expirationTime: expiresAt, subject, used, issuedAt: null, revokedAt: null };
}

function codeKey(grantUid: string, jti: string): string {
  return `${grantUid}/${jti}`;
}

/** The codes that redemptions of the selected grants have used. */
async function usedCodes(parts: StoreParts, { grantUid, grants }: GrantSelection): Promise<StoredCode[]> {
  if (grantUid !== undefined) {
    const account = await parts.accounts.find(grantUid);
    await account?.filledSlots.readAfter();
    const known = [...(account?.slots.codes() ?? [])];
    return known.map(({ code, uses }) => codeWithoutRecord(grantUid, code, uses));
  }
  const used = new Map<string, StoredCode>();
  const redeemed = await readRedemptions(parts, { grants }, ({ spec: { grantUid, code } }) =>
    code ? { grantUid, code } : undefined,
  );
  for (const { grantUid, code } of redeemed) {
    const key = codeKey(grantUid, code.jti);
    const before = used.get(key)?.used ?? 0;
    used.set(key, codeWithoutRecord(grantUid, code, before + 1));
  }
  return [...used.values()];
}

/** The operations of the store on signed codes, from their stored records and the Redemptions that used them. */
export function codeStoreMethods(parts: StoreParts): CodeStore {
  const { accounts, codes, namespace } = parts;
  const listAll = async (selection: GrantSelection) => {
    const [stored, used] = await Promise.all([codes.list(selection.grantUid), usedCodes(parts, selection)]);
    const unlisted = new Map(used.map((code) => [codeKey(code.grantUid, code.jti), code]));
    const all: StoredCode[] = stored.map((code) => {
      const key = codeKey(code.grantUid, code.jti);
      const { used = 0 } = unlisted.get(key) ?? {};
      unlisted.delete(key);
      return { ...code, used };
    });
    return [...all, ...unlisted.values()];
  };
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
      const { grantUid, jti } = page;
      const grants =
        grantUid === undefined ? await readGrants(parts, { namespace }, (grant) => grant) : undefined;
      const all = await listAll({ grantUid, grants });
      const selected = jti === undefined ? all : all.filter((code) => code.jti === jti);
      const { items, ...rest } = sortedPage(selected, page, ['', ''], (code) => [code.grantUid, code.jti]);
      if (!grants) return { items, ...rest };
      const grantOf = new Map(grants.map((grant) => [grant.uid, grant]));
      return {
        items: items.map((code) => ({ ...code, grant: grantOf.get(code.grantUid) ?? null })),
        ...rest,
      };
    },

    async countCodes(grantUid) {
      const [stored, used] = await Promise.all([codes.list(grantUid), usedCodes(parts, { grantUid })]);
      const ids = new Set([...stored, ...used].map(({ jti }) => jti));
      return { recorded: ids.size, revoked: stored.filter(({ revokedAt }) => revokedAt !== null).length };
    },

    async revokeCode({ grantUid, jti, uses, expirationTime }, now) {
      const unset = { subject: null, issuedAt: null, revokedAt: null };
      const unstored: StoredCodeRecord = { grantUid, jti, uses, expirationTime, ...unset };
      const user = await parts.readUser();
      const revocation = { revokedAt: now, ...(user !== undefined && { revokedBy: user }) };
      const revoked = await codes.update(grantUid, jti, (stored = unstored) =>
        stored.revokedAt === null ? { ...stored, ...revocation } : undefined,
      );
      return revoked ? 'revoked' : 'already_revoked';
    },
  };
}
