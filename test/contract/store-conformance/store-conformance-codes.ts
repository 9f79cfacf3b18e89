import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { StoredCode } from '../../../src/redemption/ports/code-store.js';
import { everyItem } from '../../../src/redemption/ports/page.js';
import { MINUTE, NOW, sampleGrant, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { type Redeemer, startRedeemer } from '../../support/stores/store-processes.js';
import { eventually } from '../../support/until.js';
import type { CurrentStore } from './store-conformance.js';

/** A code that can be redeemed once within ten minutes from {@link NOW}. */
function sampleCode(grantUid: string, changes: Partial<StoredCode> = {}): StoredCode {
  return {
    grantUid,
    jti: randomBytes(12).toString('hex'),
    uses: 1,
    used: 0,
    expirationTime: NOW + 10 * MINUTE,
    subject: null,
    issuedAt: NOW,
    revokedAt: null,
    ...changes,
  };
}

/** Signed codes: recorded, counted with their grant, revoked one by one. */
export function codeConformance(current: CurrentStore): void {
  describe('signed codes', () => {
    const stored = (changes: Parameters<typeof sampleGrant>[0] = {}) =>
      storedGrant(current().store, { redemptionsAllowed: 10, ...changes });
    const redeem = (code: StoredCode, now = NOW, changes = {}) =>
      current().store.recordRedemption(
        code.grantUid,
        sampleRedemption(code.grantUid, { jti: code.jti, ...changes }),
        now,
        { signedCode: code },
      );
    const used = async ({ grantUid, jti }: StoredCode) =>
      (await current().store.findCode(grantUid, jti))?.used;

    it('returns every field of a code, and no code of another grant', async () => {
      const { store } = current();
      const [one, two] = [await stored(), await stored()];
      const code = sampleCode(one.uid, { uses: 7, subject: 'Größe 7 ☃' });
      await store.createCode(code);
      expect(await store.findCode(one.uid, code.jti)).toEqual(code);
      expect(await store.findCode(two.uid, code.jti)).toBeUndefined();
      expect(await store.findCode(one.uid, code.jti.toUpperCase())).toBeUndefined();
    });

    it('retains the first of two codes with the same grant and id, and its count', async () => {
      const { store } = current();
      const { uid } = await stored();
      const code = sampleCode(uid, { uses: 2 });
      await store.createCode(code);
      expect(await redeem(code)).toBe('recorded');
      await store.createCode({ ...code, uses: 9, subject: 'another' });
      expect(await store.findCode(uid, code.jti)).toEqual({ ...code, used: 1 });
    });

    it('counts the codes of a grant, and the revoked ones', async () => {
      const { store } = current();
      const [one, two] = [await stored(), await stored()];
      expect(await store.countCodes(one.uid)).toEqual({ recorded: 0, revoked: 0 });
      const [first, second, elsewhere] = [sampleCode(one.uid), sampleCode(one.uid), sampleCode(one.uid)];
      for (const code of [first, second, sampleCode(two.uid)]) await store.createCode(code);
      for (const code of [first, elsewhere]) expect(await redeem(code)).toBe('recorded');
      await store.revokeCode(second, NOW);
      const counts = { recorded: 3, revoked: 1 };
      await eventually(async () => expect(await store.countCodes(one.uid)).toEqual(counts));
    });

    it('lists codes by grant and id, in pages without a gap', async () => {
      const { store } = current();
      const grants = [await stored(), await stored(), await stored()];
      const codes = grants.flatMap(({ uid }) => Array.from({ length: 4 }, () => sampleCode(uid)));
      await Promise.all(codes.map((code) => store.createCode(code)));
      const list = async (within: { readonly grantUid?: string }, limit: number) => {
        const listed = await everyItem(async ({ after }) => {
          const page = await store.listCodes({ limit, ...within, after });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          return page;
        });
        return listed.map(({ grantUid, jti }) => `${grantUid} ${jti}`);
      };
      const sorted = codes.map(({ grantUid, jti }) => `${grantUid} ${jti}`).sort();
      for (const limit of [1, 3, 5, 12, 100]) expect(await list({}, limit)).toEqual(sorted);
      for (const { uid } of grants) {
        expect(await list({ grantUid: uid }, 3)).toEqual(sorted.filter((key) => key.startsWith(uid)));
      }
      expect(await list({ grantUid: sampleGrant().uid }, 3)).toEqual([]);
    });

    it('lists the codes of several grants with one id', async () => {
      const { store } = current();
      const codes = [await stored(), await stored()].map(({ uid }) => sampleCode(uid, { jti: 'a' }));
      for (const code of [...codes, sampleCode((await stored()).uid)]) await store.createCode(code);
      const found = await everyItem((page) => store.listCodes({ ...page, jti: 'a' }));
      expect(found.map(({ grantUid }) => grantUid)).toEqual(codes.map(({ grantUid }) => grantUid).sort());
      for (const { grant, grantUid } of found) expect(grant?.uid ?? grantUid).toBe(grantUid);
      expect(await everyItem(({ after }) => store.listCodes({ limit: 1, after, jti: 'a' }))).toEqual(found);
    });

    it('counts each redemption for the code and for its grant, up to the uses of both', async () => {
      const { store } = current();
      const { uid } = await stored({ redemptionsAllowed: 3 });
      const [one, two] = [sampleCode(uid, { uses: 2 }), sampleCode(uid, { uses: 2 })];
      await store.createCode(one);
      await store.createCode(two);
      expect(await redeem(one)).toBe('recorded');
      expect(await redeem(one)).toBe('recorded');
      expect(await redeem(one)).toEqual({ refused: 'code_exhausted' });
      expect((await store.findGrant(uid))?.redemptions).toBe(2);
      expect(await redeem(two)).toBe('recorded');
      expect(await redeem(two)).toEqual({ refused: 'grant_exhausted' });
      expect([await used(one), await used(two)]).toEqual([2, 1]);
      expect((await store.findGrant(uid))?.redemptions).toBe(3);
      expect((await store.listRedemptions({ limit: 10, grantUid: uid })).items).toHaveLength(3);
    });

    it('counts the uses of an identity up to the limit of each redemption, which may change', async () => {
      const { uid } = await stored();
      const identity = sampleCode(uid, { jti: `id-${'0'.repeat(32)}`, uses: 1_000_000, issuedAt: null });
      const redeemUpTo = (limit: number) => {
        const { store } = current();
        const redemption = sampleRedemption(uid, { jti: identity.jti });
        return store.recordRedemption(uid, redemption, NOW, { signedCode: { ...identity, limit } });
      };
      expect([await redeemUpTo(1), await redeemUpTo(1)]).toEqual(['recorded', { refused: 'code_exhausted' }]);
      const together = await Promise.all(Array.from({ length: 5 }, () => redeemUpTo(3)));
      expect(together.filter((outcome) => outcome === 'recorded')).toHaveLength(2);
      expect(await redeemUpTo(2)).toEqual({ refused: 'code_exhausted' });
      expect([await redeemUpTo(4), await redeemUpTo(4)]).toEqual(['recorded', { refused: 'code_exhausted' }]);
      await eventually(async () => expect(await used(identity)).toBe(4));
      expect((await current().store.findGrant(uid))?.redemptions).toBe(4);
    });

    it('reports the client of the last redemption of an identity when it presents another key', async () => {
      const { store } = current();
      const { uid } = await stored();
      const [jti, other] = ['1', '2'].map((digit) => `id-${digit.repeat(32)}`) as [string, string];
      const conflict = { grantUid: uid, jti, peer: '192.0.2.9' };
      const identity = sampleCode(uid, { jti, uses: 1_000_000, issuedAt: null });
      expect(await store.recordIdentityConflict(conflict, NOW)).toBeUndefined();
      for (const [peer, replayKey] of [
        ['192.0.2.1', `code:${other}:key:a`],
        ['192.0.2.2', `code:${jti}:key:b`],
      ] as const)
        await redeem({ ...identity, jti: replayKey.includes(jti) ? jti : other }, NOW, { peer, replayKey });
      expect(await store.recordIdentityConflict(conflict, NOW + 1)).toBe('192.0.2.2');
    });

    it('records a code that was issued elsewhere when it is redeemed', async () => {
      const { store } = current();
      const { uid } = await stored();
      const code = sampleCode(uid, { uses: 2, subject: 'east' });
      expect(await redeem(code)).toBe('recorded');
      expect(await store.findCode(uid, code.jti)).toEqual({ ...code, used: 1, issuedAt: null });
    });

    it('counts no use of a code for a redemption that its grant refuses', async () => {
      const { store } = current();
      const ended = await stored({ expirationTime: NOW });
      const revoked = await stored({ revokedAt: NOW });
      for (const [{ uid }, refused] of [
        [ended, 'grant_expired'],
        [revoked, 'grant_revoked'],
      ] as const) {
        const code = sampleCode(uid);
        await store.createCode(code);
        expect(await redeem(code)).toEqual({ refused });
        expect(await used(code)).toBe(0);
      }
      const { uid } = await stored();
      const replayed = sampleCode(uid);
      const replayKey = 'the same key';
      expect(await redeem(sampleCode(uid, { uses: 5 }), NOW, { replayKey })).toBe('recorded');
      expect(await redeem(replayed, NOW, { replayKey })).toMatchObject({ replayOf: { grantUid: uid } });
      expect(await used(replayed)).toBeUndefined();
    });

    it('counts a redemption that is repeated under the same id once', async () => {
      const { store } = current();
      const { uid } = await stored();
      const code = sampleCode(uid, { uses: 5 });
      const redemption = sampleRedemption(uid, { jti: code.jti });
      for (let times = 0; times < 3; times += 1) {
        expect(await store.recordRedemption(uid, redemption, NOW, { signedCode: code })).toBe('recorded');
      }
      expect(await used(code)).toBe(1);
      expect((await store.findRedemption(redemption.id))?.jti).toBe(code.jti);
    });

    it('revokes one code permanently, recorded or not, and no other', async () => {
      const { store } = current();
      const { uid } = await stored();
      const other = await stored();
      const [known, unknown, left] = [sampleCode(uid, { uses: 3 }), sampleCode(uid), sampleCode(uid)];
      await store.createCode(known);
      await store.createCode(left);
      await store.createCode({ ...known, grantUid: other.uid });
      expect(await redeem(known)).toBe('recorded');
      expect(await store.revokeCode({ ...known, uses: 10 }, NOW + 1)).toBe('revoked');
      expect(await store.revokeCode(unknown, NOW + 2)).toBe('revoked');
      expect(await store.revokeCode(known, NOW + 3)).toBe('already_revoked');
      expect(await store.findCode(uid, known.jti)).toEqual({ ...known, used: 1, revokedAt: NOW + 1 });
      expect(await store.findCode(uid, unknown.jti)).toEqual({
        ...unknown,
        issuedAt: null,
        revokedAt: NOW + 2,
      });
      expect(await redeem(known, NOW + 4)).toEqual({ refused: 'code_revoked' });
      expect(await redeem(unknown, NOW + 4)).toEqual({ refused: 'code_revoked' });
      expect(await redeem(left, NOW + 4)).toBe('recorded');
      expect(await redeem({ ...known, grantUid: other.uid }, NOW + 4)).toBe('recorded');
      expect((await store.findGrant(uid))?.redemptions).toBe(2);
    });

    it('reports the revocation of a code to exactly one of several callers', async () => {
      const { store, openAnother } = current();
      const { uid } = await stored();
      const code = sampleCode(uid);
      const another = await openAnother();
      const revocations = [store, another, store, another].map((one) => one.revokeCode(code, NOW));
      expect((await Promise.all(revocations)).sort()).toEqual([
        'already_revoked',
        'already_revoked',
        'already_revoked',
        'revoked',
      ]);
    });

    const LIMITS = [
      ['all their uses', undefined],
      ['60 uses', 60],
    ] as const;
    const LOAD = { codes: 50, mostUses: 4, tries: 6 };
    const started: Redeemer[] = [];
    afterEach(async () => {
      await Promise.all(started.splice(0).map((redeemer) => redeemer.end()));
    });

    /** Makes 50 codes of 1 to 4 uses and stores every other one. Their grant allows `limit` uses, or the sum of their uses. */
    async function makeCodes(limit?: number): Promise<readonly StoredCode[]> {
      const codes = Array.from({ length: LOAD.codes }, (_, n) => ({ uses: 1 + (n % LOAD.mostUses) }));
      const sum = codes.reduce((total, { uses }) => total + uses, 0);
      const { uid } = await stored({ redemptionsAllowed: limit ?? sum });
      const made = codes.map((code) => sampleCode(uid, code));
      await Promise.all(made.filter((_, n) => n % 2 === 0).map((code) => current().store.createCode(code)));
      return made;
    }

    /** Compares the outcomes for each code with its uses, the grant's count and the stored redemptions. */
    async function checkOutcomes(
      codes: readonly StoredCode[],
      outcomes: readonly (readonly string[])[],
      limit?: number,
    ): Promise<void> {
      const { store } = current();
      const uid = codes[0]?.grantUid ?? '';
      const { items } = await store.listRedemptions({ limit: 1_000, grantUid: uid });
      const recorded = outcomes.map((all) => all.filter((outcome) => outcome.startsWith('recorded')).length);
      const total = recorded.reduce((sum, count) => sum + count, 0);
      expect((await store.findGrant(uid))?.redemptions).toBe(total);
      expect(items).toHaveLength(total);
      expect(new Set(items.map(({ serial }) => serial)).size).toBe(total);
      for (const [index, code] of codes.entries()) {
        expect(items.filter(({ jti }) => jti === code.jti)).toHaveLength(recorded[index] ?? 0);
        expect((await used(code)) ?? 0).toBe(recorded[index]);
        expect(recorded[index]).toBeLessThanOrEqual(code.uses);
        const why = new Set(outcomes[index]?.filter((outcome) => outcome.startsWith('refused')));
        for (const refused of why)
          expect(['refused code_exhausted', 'refused grant_exhausted']).toContain(refused);
      }
      if (limit === undefined) expect(recorded).toEqual(codes.map(({ uses }) => uses));
      else expect(total).toBe(limit);
    }

    it.each(LIMITS)(
      'counts the uses of 50 codes exactly in one process, with a grant for %s',
      async (_what, limit) => {
        const codes = await makeCodes(limit);
        const outcomes = await Promise.all(
          codes.map((code) =>
            Promise.all(
              Array.from({ length: LOAD.tries }, async () => {
                const outcome = await redeem(code);
                if (outcome === 'recorded') return outcome;
                return 'refused' in outcome ? `refused ${outcome.refused}` : 'replayed';
              }),
            ),
          ),
        );
        await checkOutcomes(codes, outcomes, limit);
      },
    );

    it.each(LIMITS)(
      'counts the uses of 50 codes exactly in 4 processes, with a grant for %s',
      async (_what, limit) => {
        const codes = await makeCodes(limit);
        const { opener } = current();
        started.push(...(await Promise.all(Array.from({ length: 4 }, () => startRedeemer(opener)))));
        const tasks = codes.map((code) => ({ uid: code.grantUid, times: 2, code }));
        const byProcess = await Promise.all(started.map((redeemer) => redeemer.redeem(tasks)));
        await checkOutcomes(
          codes,
          codes.map((_, index) => byProcess.flatMap((all) => all[index] ?? [])),
          limit,
        );
      },
    );

    it('reports whether a grant that is neither revoked nor expired was created before a given time', async () => {
      const { store } = current();
      const hasLive = (createdBefore = NOW + 1) => store.hasGrantCreatedBefore(createdBefore, NOW + MINUTE);
      await stored({ revokedAt: NOW - 1 });
      await stored({ expirationTime: NOW + MINUTE });
      expect(await hasLive()).toBe(false);
      const live = await stored({ expirationTime: NOW + MINUTE + 1 });
      expect(await hasLive(live.createdAt + 1)).toBe(true);
      expect(await hasLive(live.createdAt)).toBe(false);
      await store.deleteGrant(live.uid);
      expect(await hasLive()).toBe(false);
      await stored({ expirationTime: null, readyAt: null });
      expect(await hasLive()).toBe(true);
    });
  });
}
