import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { releaseAfterTest } from '../../support/release.js';
import { makeRenewedSite, type RenewedSite } from '../../support/sites/renewed-site.js';

let site: RenewedSite;

beforeEach(async () => {
  site = releaseAfterTest(await makeRenewedSite());
});

const CHECKPOINTS = ['renewal-key-created', 'before-renewal', 'renewal-received', 'renewal-in-place'];

describe('a renewal', () => {
  test('20 concurrent processes send one key and end with one certificate', async () => {
    const given = await site.link();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => site.spawn({ given })));
    const { serialNumber } = new X509Certificate((await site.secret()).tlsCrt);
    const serials = new Set(outcomes.map(({ serial, code }) => serial ?? code));
    expect([...serials]).toEqual([serialNumber.toLowerCase()]);
    expect(site.server.issued()).toBe(1);
    expect(new Set(site.server.keys).size).toBe(1);
    expect(site.storedKeyFiles()).toEqual([]);
  });

  test.each(CHECKPOINTS)(
    'a process killed at %s leaves a working key pair, and the next run completes the renewal',
    async (dieAt) => {
      const before = await site.secret();
      expect(await site.spawn({ dieAt })).toEqual({ killed: true });
      const isInPlace = dieAt === 'renewal-in-place';
      expect((await site.secret()).tlsCrt === before.tlsCrt).toBe(!isInPlace);
      expect((await site.spawn()).code).toBeUndefined();
      // The killed run had completed the renewal, so the next run renews again.
      expect(site.server.issued()).toBe(isInPlace ? 2 : 1);
      expect(new Set(site.server.keys).size).toBe(isInPlace ? 2 : 1);
      await site.secret();
      expect(site.storedKeyFiles()).toEqual([]);
    },
  );

  test('returns the certificate of another run that renewed the link after this run read it', async () => {
    const link = await site.link();
    const first = await site.renew();
    const second = await site.renew({}, link);
    expect(second.certificate.serial).toBe(first.certificate.serial);
    expect(site.server.issued()).toBe(1);
  });

  test('does not replace a newer key pair with an older one', async () => {
    let newest: string | undefined;
    const late = await site.renew({
      checkpoint: async (name) => {
        if (name !== 'renewal-received') return;
        await site.renew();
        newest = (await site.renew()).certificate.serial;
      },
    });
    expect(late.certificate.serial).toBe(newest);
    await site.secret();
  });
});
