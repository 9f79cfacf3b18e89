import { createHash, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SignedCode } from '../../src/codes/signed-code.js';
import { problemsOf } from '../docs/openapi-document.js';
import { boundCode } from '../support/bound-code.js';
import { csrHeader, keySha256, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { releaseAfterFile } from '../support/release.js';
import { composeTestService, HOUR } from '../support/service.js';
import { outcomeOf, post } from '../support/wire.js';

const MISMATCH = [
  403,
  'Token is bound to a key: redeem it with linkgrant join where the request was made\n',
  undefined,
];

const service = releaseAfterFile(await composeTestService({ allowRedeemByKey: true }));

/** A code that is bound to `key`, of a new grant. */
const codeFor = (key: KeyObject, changes?: Partial<SignedCode>) =>
  boundCode(service, keySha256(key), changes);

const challengeOf = (code: string) => createHash('sha256').update(code).digest('base64url');
const madeFor = (code: string, key: KeyObject) => csrHeader(key, challengeOf(code));

describe('a code that is bound to a key', () => {
  it('is redeemed with a request of that key that was made for it, and repeated without another use', async () => {
    const key = newKey();
    const { uid, code } = await codeFor(key);
    const first = redeemedAnswer(await post(service, `/${uid}`, code, { headers: madeFor(code, key) }));
    const again = redeemedAnswer(
      await post(service, `/${uid}`, `${code}\n`, { headers: madeFor(code, key) }),
    );
    expect(first.x509.subject).toBe('CN=east');
    expect(first.x509.checkPrivateKey(key)).toBe(true);
    expect(again.certificate).toBe(first.certificate);
    expect(await service.used(uid)).toBe(1);
  });

  it.each<[string, (code: string, key: KeyObject) => Readonly<Record<string, string>>]>([
    ['no certificate request, as a Skupper client', () => ({ name: 'west', subject: 'west' })],
    ['a request of that key for no code, such as the one that was mailed', (_code, key) => csrHeader(key)],
    ['a request of that key for another code', (_code, key) => csrHeader(key, challengeOf('another'))],
    ['a request of another key for that code', (code) => madeFor(code, newKey())],
    ['a request that cannot be parsed', () => ({ csr: 'AAAA' })],
    [
      'a request with a changed signature',
      (code, key) => {
        const { csr } = madeFor(code, key);
        const bytes = Buffer.from(csr, 'base64');
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
        return { csr: bytes.toString('base64') };
      },
    ],
  ])('is refused with %s, in a redemption and in a check, and leaves no trace', async (_how, headersFor) => {
    const key = newKey();
    const { uid, code } = await codeFor(key);
    const headers = headersFor(code, key);
    for (const path of [`/${uid}`, `/${uid}/-/check`]) {
      expect(outcomeOf(await post(service, path, code, { headers }))).toEqual(MISMATCH);
    }
    expect(await service.used(uid)).toBe(0);
    const { items } = await service.store.listLedger({ limit: 10, grantUid: uid });
    expect(items.filter(({ kind }) => kind !== 'created')).toEqual([]);
    redeemedAnswer(await post(service, `/${uid}`, code, { headers: madeFor(code, key) }));
  });

  it('is refused in a check by namespace and name as openapi.yaml describes', async () => {
    const { uid, code } = await codeFor(newKey());
    const grant = await service.store.findGrant(uid);
    const response = await post(service, `/${grant?.namespace}/${grant?.name}/-/check`, code);
    expect(outcomeOf(response)).toEqual(MISMATCH);
    expect(problemsOf('/{namespace}/{grantName}/-/check', response)).toEqual([]);
  });

  it('is checked with the request that redeems it', async () => {
    const key = newKey();
    const { uid, code } = await codeFor(key);
    const checked = await post(service, `/${uid}/-/check`, code, { headers: madeFor(code, key) });
    expect(JSON.parse(checked.body)).toMatchObject({ state: 'ready', redemptions: 0, redemptionsAllowed: 1 });
  });

  it('is refused as expired only with a request that its key signed for it', async () => {
    const key = newKey();
    const { uid, code } = await codeFor(key, { expirationTime: service.clock.read() - HOUR });
    expect(outcomeOf(await post(service, `/${uid}`, code, { headers: csrHeader(key) }))).toEqual(MISMATCH);
    expect(outcomeOf(await post(service, `/${uid}`, code, { headers: madeFor(code, key) }))).toEqual([
      404,
      'No such claim\n',
      'code_expired',
    ]);
  });

  it('issues one certificate, however many keys and copies of the request arrive at once', async () => {
    const key = newKey();
    const { uid, code } = await codeFor(key);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        post(service, `/${uid}`, code, {
          headers: madeFor(code, index % 2 === 0 ? key : newKey()),
        }),
      ),
    );
    const certificates = answers
      .filter(({ status }) => status === 200)
      .map((a) => redeemedAnswer(a).certificate);
    expect([certificates.length, new Set(certificates).size]).toEqual([20, 1]);
    expect(await service.used(uid)).toBe(1);
  });
});
