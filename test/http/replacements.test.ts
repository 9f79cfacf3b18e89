import { describe, expect, it } from 'vitest';
import { challengeOf, mintSignedCode, type SignedCode } from '../../src/codes/signed-code.js';
import { grantSigningKey } from '../../src/codes/signing-keys.js';
import { CodeKeyDirectory } from '../../src/platforms/standalone/code-key-directory.js';
import type { CreatedGrant } from '../../src/redemption/accepting/create-grant.js';
import { linkOf, redeemLink, requestRenewal, type TestLink } from '../support/links/test-link.js';
import { csrHeader, keySha256, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService, HOUR, MINUTE } from '../support/service.js';
import { outcomeOf, post } from '../support/wire.js';

const service = releaseAfterFile(await composeTestService());
const { store } = service;

const WRONG = [403, 'Redemption of access token refused\n', undefined];
let codes = 0;

/** Signs a code of a grant that replaces a link, for the subject of that link. Unless `isRecorded` is false the store has a record. */
async function replacingCode(
  { grant }: CreatedGrant,
  { id }: Pick<TestLink, 'id'>,
  changes: Partial<SignedCode> = {},
  isRecorded = true,
): Promise<string> {
  // The times of a code are whole seconds.
  const now = Math.floor(service.clock.read() / 1000) * 1000;
  codes += 1;
  const code: SignedCode = {
    ...{ jti: `re-${id}-${codes}`, grantUid: grant.uid, uses: 1, subject: 'east' },
    ...{ issuedAt: now, expirationTime: now + HOUR, replaces: id, ...changes },
  };
  const { subject = null, jti, grantUid, uses, issuedAt, expirationTime } = code;
  const record = { grantUid, jti, uses, used: 0, expirationTime, subject, issuedAt, revokedAt: null };
  if (isRecorded) await store.createCode(record);
  const signingKeys = new CodeKeyDirectory(service.directory, service.clock.read);
  return mintSignedCode(code, grantSigningKey(await signingKeys.current(), grant.uid));
}

const grantOf = (redemptionsAllowed = 5) => service.storedGrant({ redemptionsAllowed });
const redeem = ({ grant }: CreatedGrant, code: string, key = newKey(), challenge?: string) =>
  post(service, `/${grant.uid}`, code, { headers: csrHeader(key, challenge) });
const revokedAt = async ({ id }: Pick<TestLink, 'id'>) => (await store.findRedemption(id))?.revokedAt;

describe('a code that replaces a link', () => {
  it('revokes the link, and issues a certificate for its subject, with its labels and note', async () => {
    const replaced = await redeemLink(service);
    await store.updateRedemption(replaced.id, { labels: { region: 'eu' }, note: 'the shop in Berlin' });
    const created = await grantOf();
    const code = await replacingCode(created, replaced);
    const key = newKey();
    const first = redeemedAnswer(await redeem(created, code, key));
    expect(first.x509.subject).toBe('CN=east');
    const replacement = await store.findRedemption(first.redemptionId);
    expect(replacement).toMatchObject({
      labels: { region: 'eu' },
      note: 'the shop in Berlin',
      revokedAt: null,
    });
    expect(await revokedAt(replaced)).toBe(service.clock.read());

    service.clock.advance(MINUTE);
    expect(redeemedAnswer(await redeem(created, code, key)).certificate).toBe(first.certificate);
    expect(outcomeOf(await redeem(created, code))).toMatchObject([404, expect.any(String), 'code_exhausted']);
    expect(await service.used(created.grant.uid)).toBe(1);
    expect((await store.verifyLedger()).fault).toBeUndefined();
  });

  it('lets the replaced link no longer renew, with a reason of its own, and the new link renews', async () => {
    const replaced = await redeemLink(service);
    const created = await grantOf();
    const key = newKey();
    const answer = await redeem(created, await replacingCode(created, replaced), key);
    const refused = [403, 'Renewal of link certificate refused\n', 'redemption_replaced'];
    expect(outcomeOf(await requestRenewal(replaced, service))).toEqual(refused);
    redeemedAnswer(await requestRenewal(linkOf(redeemedAnswer(answer), key), service));
  });

  it('replaces a revoked link, whose identity may have been stolen, and retains the time of the revocation', async () => {
    const replaced = await redeemLink(service);
    const at = service.clock.read();
    await store.revokeRedemption(replaced.id, at);
    service.clock.advance(HOUR);
    const created = await grantOf();
    redeemedAnswer(await redeem(created, await replacingCode(created, replaced)));
    expect(await revokedAt(replaced)).toBe(at);
    expect((await requestRenewal(replaced, service)).headers['linkgrant-reason']).toBe('redemption_replaced');
  });

  it('can also be bound to a key, and then revokes nothing without a request that this key signed for it', async () => {
    const replaced = await redeemLink(service);
    const created = await grantOf();
    const key = newKey();
    const code = await replacingCode(created, replaced, { keySha256: keySha256(key) });
    expect((await redeem(created, code)).status).toBe(403);
    expect((await redeem(created, code, key)).status).toBe(403);
    expect(await revokedAt(replaced)).toBeNull();
    redeemedAnswer(await redeem(created, code, key, challengeOf(code)));
    expect(await revokedAt(replaced)).toBe(service.clock.read());
  });

  it('is refused as a wrong code, in a redemption and in a check, if a signing key issued it without the service', async () => {
    const replaced = await redeemLink(service);
    const created = await grantOf();
    const code = await replacingCode(created, replaced, {}, false);
    // A holder of the key can redeem and revoke his codes, and neither creates a record of its issue.
    for (const path of ['', '/-/check']) {
      expect(outcomeOf(await post(service, `/${created.grant.uid}${path}`, code))).toEqual(WRONG);
    }
    await store.revokeCode(
      {
        grantUid: created.grant.uid,
        jti: `re-${replaced.id}-${codes}`,
        uses: 1,
        expirationTime: 0,
      },
      service.clock.read(),
    );
    expect(outcomeOf(await redeem(created, code))).toEqual(WRONG);
    // The id of a token that the service issued for another purpose.
    const issued = await replacingCode(created, replaced, { jti: 'issued-by-the-service' });
    expect(outcomeOf(await redeem(created, issued))).toEqual(WRONG);
    expect(await revokedAt(replaced)).toBeNull();
    expect(await service.used(created.grant.uid)).toBe(0);
  });

  it.each([
    ['expires later', () => ({ expirationTime: service.clock.read() + 2 * HOUR })],
    ['is for another subject', () => ({ subject: 'west' })],
  ])(
    'is refused as a wrong code if a signing key signed the id of an issued code again, and it %s',
    async (_how, changes) => {
      const replaced = await redeemLink(service);
      const created = await grantOf();
      await replacingCode(created, replaced);
      const forged = await replacingCode(
        created,
        replaced,
        { jti: `re-${replaced.id}-${codes}`, ...changes() },
        false,
      );
      expect(outcomeOf(await redeem(created, forged))).toEqual(WRONG);
      expect(await revokedAt(replaced)).toBeNull();
    },
  );

  it.each([
    ['another subject', { headers: { ...csrHeader(newKey()), subject: 'west' } }, {}],
    ['a code that has expired', {}, { expirationTime: 0 }],
  ] as const)(
    'revokes nothing if the redemption is refused because of %s',
    async (_why, options, changes) => {
      const replaced = await redeemLink(service);
      const created = await grantOf();
      const code = await replacingCode(created, replaced, changes);
      expect((await post(service, `/${created.grant.uid}`, code, options)).status).toBeGreaterThanOrEqual(
        400,
      );
      expect(await revokedAt(replaced)).toBeNull();
    },
  );

  it('is redeemed once, however many keys and copies of a request arrive at once', async () => {
    const replaced = await redeemLink(service);
    const created = await grantOf();
    const code = await replacingCode(created, replaced);
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => redeem(created, code, index % 2 === 0 ? key : newKey())),
    );
    const certificates = answers
      .filter(({ status }) => status === 200)
      .map((answer) => redeemedAnswer(answer).certificate);
    expect(new Set(certificates).size).toBe(1);
    expect(await service.used(created.grant.uid)).toBe(1);
    expect((await store.listRedemptionEntries(replaced.id, 10)).map(({ kind }) => kind)).toEqual([
      'redeemed',
      'revoked',
      'replaced',
    ]);
  });
});
