import type { CodeStore, StoredCode } from '../../../redemption/ports/code-store.js';
import { timeOf } from '../grants/access-grant-resource.js';
import type { NotedCode } from './code-config-maps.js';
import type { RedemptionResource } from './redemption-resource.js';
import { sortedPage } from './sorted-page.js';
import { listRedemptionResources, type StoreParts } from './store-parts.js';

/** What redemptions tell of signed codes, by grant and jti. */
class UsedCodes {
  readonly #used = new Map<string, StoredCode>();

  add(grantUid: string, code: RedemptionResource['spec']['code']): void {
    if (!code) return;
    const { jti, uses = 0, expirationTime, subject = null } = code;
    const known = this.get(grantUid, jti);
    const told = { grantUid, jti, uses, expirationTime: timeOf(expirationTime) ?? 0, subject };
    const first: StoredCode = { ...told, used: 0, issuedAt: null, revokedAt: null };
    const { used, ...rest } = known ?? first;
    this.#used.set(keyOf(grantUid, jti), { ...rest, used: used + 1 });
  }

  get(grantUid: string, jti: string): StoredCode | undefined {
    return this.#used.get(keyOf(grantUid, jti));
  }

  /** A code as it is noted, with how often it was used. */
  counted(noted: NotedCode): StoredCode {
    return { ...noted, used: this.get(noted.grantUid, noted.jti)?.used ?? 0 };
  }

  /** Codes that were redeemed and never noted. */
  beside(noted: readonly NotedCode[]): StoredCode[] {
    const known = new Set(noted.map(({ grantUid, jti }) => keyOf(grantUid, jti)));
    return [...this.#used].flatMap(([key, code]) => (known.has(key) ? [] : [code]));
  }
}

function keyOf(grantUid: string, jti: string): string {
  return `${grantUid}/${jti}`;
}

/** The part of the store that keeps signed codes: notes of them, and the redemptions that used them. */
export function codesPart(parts: StoreParts): CodeStore {
  const { accounts, codes } = parts;
  return {
    async createCode({ used: _, ...code }) {
      await codes.note(code.grantUid, code.jti, (noted) => (noted ? undefined : code));
    },

    async findCode(grantUid, jti) {
      const account = await accounts.find(grantUid);
      const [noted] = await Promise.all([codes.find(grantUid, jti), account?.filled.since()]);
      const used = new UsedCodes();
      for (const { code } of account?.slots.all() ?? []) {
        if (code?.jti === jti) used.add(grantUid, code);
      }
      return noted ? used.counted(noted) : used.get(grantUid, jti);
    },

    async listCodes(page) {
      const [noted, resources] = await Promise.all([
        codes.list(page.grantUid),
        listRedemptionResources(parts, page.grantUid),
      ]);
      const used = new UsedCodes();
      for (const { spec } of resources) used.add(spec.grantUid, spec.code);
      const all = [...noted.map((code) => used.counted(code)), ...used.beside(noted)];
      return sortedPage(all, page, 2, ({ grantUid, jti }) => [grantUid, jti]);
    },

    async revokeCode({ grantUid, jti, uses, expirationTime }, now) {
      const unknown: NotedCode = {
        ...{ grantUid, jti, uses, expirationTime },
        ...{ subject: null, issuedAt: null, revokedAt: null },
      };
      const revoked = await codes.note(grantUid, jti, (noted = unknown) =>
        noted.revokedAt === null ? { ...noted, revokedAt: now } : undefined,
      );
      return revoked ? 'revoked' : 'before';
    },
  };
}
