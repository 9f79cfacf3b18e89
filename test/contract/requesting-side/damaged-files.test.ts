import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { generateKey } from '../../../src/pki/keys.js';
import { releaseAfterTest } from '../../support/release.js';
import { type IssuingServer, issuingServerForTest } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

/** The path of a stored file of the one redemption. */
function storedFile(name: 'answer.yaml' | 'key.pem'): string {
  const path = [...site.files().keys()].find((file) => file.endsWith(`/${name}`));
  return join(site.root, path ?? `no ${name}`);
}

const contentOf = (path: string) => site.files().get(path.slice(site.root.length + 1)) ?? '';

/** Truncates a file to a share of its length. */
function damage(path: string, share: number): void {
  const text = contentOf(path);
  writeFileSync(path, text.slice(0, Math.floor(text.length * share)));
}

const messageOf = (error: unknown) => (error as Error).message;
const failure = (server: IssuingServer) => site.redeem({ token: server.token }).then(() => '', messageOf);

describe.each([0, 0.4, 0.98])('a stored response truncated to %f of its length', (share) => {
  test.each(['linkgrant', 'stock'] as const)(
    'is reported and not changed, and no request is sent to %s',
    async (manner) => {
      const server = await issuingServerForTest(manner);
      await site.redeem({ token: server.token });
      const file = storedFile('answer.yaml');
      damage(file, share);
      const damagedContent = contentOf(file);
      expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
      expect(await failure(server)).toContain(`${file} is damaged`);
      expect(contentOf(file)).toBe(damagedContent);
      expect(server.issued()).toBe(1);
    },
  );

  test('is replaced by --retry with the same certificate from linkgrant, which counts no use', async () => {
    const server = await issuingServerForTest('linkgrant');
    const first = await site.redeem({ token: server.token });
    const before = contentOf(storedFile('answer.yaml'));
    damage(storedFile('answer.yaml'), share);
    const again = await site.redeem({ token: server.token, retry: true });
    expect(again.certificate).toEqual(first.certificate);
    expect(server.issued()).toBe(1);
    expect(contentOf(storedFile('answer.yaml'))).toBe(before);
    expect((await site.redeem({ token: server.token })).alreadyRedeemed).toBe(true);
  });

  test('is replaced by --retry with another use of a Skupper grant server', async () => {
    const server = await issuingServerForTest('stock');
    await site.redeem({ token: server.token });
    damage(storedFile('answer.yaml'), share);
    rmSync(site.to, { recursive: true });
    expect(await site.outcome({ token: server.token, retry: true })).toBe('redeemed');
    expect(server.issued()).toBe(2);
  });
});

test('a damaged response survives a retry whose service is unreachable', async () => {
  const server = await issuingServerForTest('linkgrant');
  await site.redeem({ token: server.token });
  const file = storedFile('answer.yaml');
  damage(file, 0.5);
  const damagedContent = contentOf(file);
  await server.close();
  expect(await site.outcome({ token: server.token, retry: true })).toBe('connection_refused');
  expect(contentOf(file)).toBe(damagedContent);
});

describe.each(['empty', 'truncated', 'of RSA'])('a stored key that is %s', (kind) => {
  const share = kind === 'empty' ? 0 : 0.5;

  /** Leaves the damaged key of a run that died before it posted. */
  async function keyOnly(server: IssuingServer): Promise<void> {
    const checkpoint = (at: string) => {
      if (at === 'key-created') throw new Error('died');
    };
    await site.redeem({ token: server.token }, { checkpoint }).catch(() => undefined);
    if (kind === 'of RSA') writeFileSync(storedFile('key.pem'), (await generateKey('rsa2048')).keyPem);
    else damage(storedFile('key.pem'), share);
  }

  test.each(['linkgrant', 'stock'] as const)(
    'is reported, and replaced by --retry if %s counted no use',
    async (manner) => {
      const server = await issuingServerForTest(manner);
      await keyOnly(server);
      const file = storedFile('key.pem');
      const damagedContent = contentOf(file);
      expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
      expect(await failure(server)).toContain(`${file} is damaged`);
      expect(contentOf(file)).toBe(damagedContent);
      expect(await site.outcome({ token: server.token, retry: true })).toBe('redeemed');
      expect(server.issued()).toBe(1);
      expect((await site.redeem({ token: server.token })).alreadyRedeemed).toBe(true);
    },
  );

  test('is replaced once by concurrent runs with --retry, which use one key and one certificate', async () => {
    const server = await issuingServerForTest('linkgrant');
    await keyOnly(server);
    const retries = Array.from({ length: 5 }, () => site.redeem({ token: server.token, retry: true }));
    const serials = (await Promise.all(retries)).map(({ certificate }) => certificate.serial);
    expect(new Set(serials).size).toBe(1);
    expect(server.issued()).toBe(1);
  });

  test.each([true, false])(
    'is reported if linkgrant counted a use, and replaced by --retry with another use (response stored: %s)',
    async (stored) => {
      const server = await issuingServerForTest('linkgrant');
      await site.redeem({ token: server.token });
      const file = storedFile('key.pem');
      damage(file, share);
      if (!stored) rmSync(storedFile('answer.yaml'));
      rmSync(site.to, { recursive: true });
      expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
      expect(await failure(server)).toContain(`${file} is damaged`);
      expect(server.issued()).toBe(1);
      expect(await site.outcome({ token: server.token, retry: true })).toBe('redeemed');
      expect(server.issued()).toBe(2);
      expect((await site.redeem({ token: server.token })).alreadyRedeemed).toBe(true);
    },
  );

  test('is not used for a link whose key a Skupper grant server generated', async () => {
    const server = await issuingServerForTest('stock');
    const first = await site.redeem({ token: server.token });
    damage(storedFile('key.pem'), share);
    expect((await site.redeem({ token: server.token })).certificate).toEqual(first.certificate);
    expect(server.issued()).toBe(1);
  });
});

test('a deleted key file is reported as damaged or replaced, and no second use is spent', async () => {
  const server = await issuingServerForTest('linkgrant');
  await site.redeem({ token: server.token });
  rmSync(storedFile('key.pem'));
  expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
  expect(await failure(server)).toContain(`${storedFile('key.pem')} is damaged or was replaced`);
  expect(server.issued()).toBe(1);
});

test('a stored response whose certificate has expired does not count as damaged', async () => {
  const server = await issuingServerForTest('linkgrant');
  await site.redeem({ token: server.token });
  const clock = () => Date.now() + 400 * 86_400_000;
  const message = await site.redeem({ token: server.token }, { clock }).then(() => '', messageOf);
  expect(message).toBe('The token was redeemed before, and the certificate of its link has expired.');
  expect(await site.outcome({ token: server.token }, { clock })).toBe('link_ended');
  expect(server.seen.filter(({ url }) => !url.endsWith('/-/check'))).toHaveLength(1);
});
