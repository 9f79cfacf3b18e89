import { describe, expect, it } from 'vitest';
import type { AccessGrant } from '../../../src/domain/access-grant.js';
import type { Redemption } from '../../../src/domain/redemption.js';
import type { RecordRules } from '../../../src/redemption/ports/grant-store.js';
import { MINUTE, NOW, sampleRedemption, storedGrant } from '../../support/store-samples.js';
import { startRedeemer } from '../../support/stores/store-processes.js';
import type { CurrentStore } from './store-conformance.js';

/** Codes that replace a redemption: it is revoked together with the new redemption, and both name each other. */
export function replacementConformance(current: CurrentStore): void {
  describe('a code that replaces a redemption', () => {
    const stored = (changes: Partial<AccessGrant> = {}) =>
      storedGrant(current().store, { redemptionsAllowed: 10, ...changes });

    /** Stores a redemption of a grant. */
    async function recorded(grant: AccessGrant): Promise<Redemption> {
      const redemption = sampleRedemption(grant.uid);
      expect(await current().store.recordRedemption(grant.uid, redemption, NOW)).toBe('recorded');
      return redemption;
    }

    /** The rules for a code of one use that replaces `id`. */
    const codeFor = (id: string, suffix = '1') => {
      const jti = `re-${id}-${suffix}`;
      const signedCode = { jti, uses: 1, expirationTime: NOW + MINUTE, subject: 'site-a', replaces: id };
      return { jti, signedCode } satisfies RecordRules & { readonly jti: string };
    };

    const replace = (grant: AccessGrant, code: ReturnType<typeof codeFor>, replacement: Redemption) =>
      current().store.recordRedemption(grant.uid, replacement, NOW, code);
    const replacementBy = (grant: AccessGrant, { jti }: { readonly jti: string }) =>
      sampleRedemption(grant.uid, { jti });
    const kindsOf = async (id: string) =>
      (await current().store.listRedemptionEntries(id, 10)).map(({ kind, detail }) => [
        kind,
        detail.replaces ?? detail.replacedBy,
      ]);
    const revokedAt = async (id: string) => (await current().store.findRedemption(id))?.revokedAt;
    const expectNoFault = async () => expect((await current().store.verifyLedger()).fault).toBeUndefined();

    it('revokes it, also one of another grant and of a deleted one, and the entries of both name the other', async () => {
      const { store } = current();
      const [grant, ended] = [await stored(), await stored()];
      const inSameGrant = await recorded(grant);
      const inDeletedGrant = await recorded(ended);
      await store.deleteGrant(ended.uid);
      for (const replaced of [inSameGrant, inDeletedGrant]) {
        const code = codeFor(replaced.id);
        const replacement = replacementBy(grant, code);
        expect(await replace(grant, code, replacement)).toBe('recorded');
        expect(await revokedAt(replaced.id)).toBe(NOW);
        expect(await revokedAt(replacement.id)).toBeNull();
        expect(await kindsOf(replacement.id)).toEqual([['redeemed', replaced.id]]);
        expect(await kindsOf(replaced.id)).toEqual([
          ['redeemed', undefined],
          ['revoked', undefined],
          ['replaced', replacement.id],
        ]);
      }
      await expectNoFault();
    });

    it('retains the time of an earlier revocation, and records what replaced it', async () => {
      const grant = await stored();
      const replaced = await recorded(grant);
      await current().store.revokeRedemption(replaced.id, NOW - MINUTE);
      const code = codeFor(replaced.id);
      const replacement = replacementBy(grant, code);
      expect(await replace(grant, code, replacement)).toBe('recorded');
      expect(await revokedAt(replaced.id)).toBe(NOW - MINUTE);
      expect((await kindsOf(replaced.id)).at(-1)).toEqual(['replaced', replacement.id]);
      await expectNoFault();
    });

    it('is counted and recorded once if its redemption is repeated, by id and by replay key', async () => {
      const grant = await stored();
      const replaced = await recorded(grant);
      const code = codeFor(replaced.id);
      const replacement = replacementBy(grant, code);
      const repeated = sampleRedemption(grant.uid, { jti: code.jti, replayKey: replacement.replayKey });
      expect(await replace(grant, code, replacement)).toBe('recorded');
      expect(await replace(grant, code, replacement)).toBe('recorded');
      expect(await replace(grant, code, repeated)).toMatchObject({ replayOf: { id: replacement.id } });
      expect(await kindsOf(replaced.id)).toHaveLength(3);
      expect((await current().store.findGrant(grant.uid))?.redemptions).toBe(2);
      await expectNoFault();
    });

    it('revokes nothing if its redemption is refused', async () => {
      const { store } = current();
      const grant = await stored({ redemptionsAllowed: 3 });
      const [first, second, replaced] = [await recorded(grant), await recorded(grant), await recorded(grant)];
      const other = await stored();
      const revoked = codeFor(second.id);
      await store.revokeCode({ grantUid: other.uid, jti: revoked.jti, uses: 1, expirationTime: NOW }, NOW);
      for (const [target, code, refused] of [
        [grant, codeFor(replaced.id), 'grant_exhausted'],
        [other, revoked, 'code_revoked'],
      ] as const) {
        expect(await replace(target, code, replacementBy(target, code))).toEqual({ refused });
      }
      for (const { id } of [first, second, replaced]) expect(await revokedAt(id)).toBeNull();
      expect(await kindsOf(replaced.id)).toEqual([['redeemed', undefined]]);
    });

    it('has one use for many redemptions at once, of two processes', async () => {
      const { store, openAnother } = current();
      const another = await openAnother();
      const grant = await stored();
      const replaced = await recorded(grant);
      const code = codeFor(replaced.id);
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          (index % 2 === 0 ? store : another).recordRedemption(
            grant.uid,
            replacementBy(grant, code),
            NOW,
            code,
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'recorded')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome !== 'recorded')).toEqual(
        Array.from({ length: 7 }, () => ({ refused: 'code_exhausted' })),
      );
      expect(await kindsOf(replaced.id)).toHaveLength(3);
      await expectNoFault();
    });

    it.each([
      ['before-commit', false],
      ['after-commit', true],
    ])(
      'revokes the redemption before a repeated request gets a response, if the process was killed at %s',
      async (dieAt, isRecorded) => {
        const { store, opener } = current();
        const grant = await stored();
        const replaced = await recorded(grant);
        const { jti, signedCode } = codeFor(replaced.id);
        const code = { ...signedCode, grantUid: grant.uid, used: 0, issuedAt: NOW, revokedAt: null };
        const replayKey = `key-${replaced.id}`;
        const victim = await startRedeemer(opener, dieAt);
        await expect(victim.redeem([{ uid: grant.uid, times: 1, replayKey, code }])).rejects.toThrow(
          'SIGKILL',
        );
        const { items } = await store.listRedemptions({ limit: 10, grantUid: grant.uid });
        expect(items).toHaveLength(isRecorded ? 2 : 1);

        // As `redeem` does for a client that sent no key, and before it refuses a request.
        const replay = await store.findReplay(grant.uid, replayKey);
        expect(replay !== undefined).toBe(isRecorded);
        if (isRecorded) expect(await revokedAt(replaced.id)).toBeTypeOf('number');
        const repeated = sampleRedemption(grant.uid, { jti, replayKey });
        expect(await store.recordRedemption(grant.uid, repeated, NOW, { signedCode })).toEqual(
          isRecorded ? { replayOf: replay } : 'recorded',
        );
        expect(await revokedAt(replaced.id)).toBeTypeOf('number');
        const { id } = (await store.findReplay(grant.uid, replayKey)) ?? {};
        expect((await kindsOf(replaced.id)).slice(1)).toEqual([
          ['revoked', undefined],
          ['replaced', id],
        ]);
        await expectNoFault();
      },
    );

    it('revokes the redemption once while other codes replace it and an operator revokes it', async () => {
      const { store, openAnother } = current();
      const another = await openAnother();
      const grants = [await stored(), await stored(), await stored()];
      const replaced = await recorded(await stored());
      const outcomes = await Promise.all([
        another.revokeRedemption(replaced.id, NOW),
        ...grants.map((grant, index) => {
          const code = codeFor(replaced.id, String(index));
          const from = index % 2 === 0 ? store : another;
          return from.recordRedemption(grant.uid, replacementBy(grant, code), NOW, code);
        }),
      ]);
      expect(outcomes.slice(1)).toEqual(['recorded', 'recorded', 'recorded']);
      const kinds = (await kindsOf(replaced.id)).map(([kind]) => kind);
      expect(kinds.filter((kind) => kind === 'revoked')).toHaveLength(1);
      expect(kinds).toContain('replaced');
      await expectNoFault();
    });
  });
}
