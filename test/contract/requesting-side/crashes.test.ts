import { beforeEach, describe, expect, test } from 'vitest';
import { parseCertificateRequest } from '../../../src/pki/requests.js';
import { releaseAfterTest } from '../../support/release.js';
import { postings, type TestServer } from '../../support/servers/hostile-server.js';
import { issuingServerForTest } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

const postedKeys = (server: TestServer) =>
  new Set(postings(server).map(({ headers }) => keyOf(String(headers.csr))));
const materialized = () => [...site.files().keys()].filter((path) => path.startsWith('links/')).sort();
const LINK_FILES = ['links/Link-my-link.yaml', 'links/Secret-my-link.yaml'];

describe('token redeem at a linkgrant service', () => {
  test('20 concurrent processes end with one certificate for one key', async () => {
    const server = await issuingServerForTest('linkgrant');
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => site.spawn(server.token)));
    expect(new Set(outcomes.map(({ serial, code }) => serial ?? code)).size).toBe(1);
    expect(outcomes[0]?.names).toEqual(['my-link']);
    expect(server.issued()).toBe(1);
    expect(postedKeys(server).size).toBe(1);
    expect(materialized()).toEqual(LINK_FILES);
  });

  test.each([
    'key-created',
    'before-post',
    'answer-received',
    'answer-stored',
    'secret-written',
    'link-written',
    'outcome-written',
  ])('a process killed at %s and run again ends with the same certificate', async (dieAt) => {
    const server = await issuingServerForTest('linkgrant');
    expect(await site.spawn(server.token, { dieAt })).toEqual({ killed: true });
    const again = await site.spawn(server.token);
    expect(again.code).toBeUndefined();
    expect(server.issued()).toBe(1);
    expect(postedKeys(server).size).toBe(1);
    expect((await site.spawn(server.token)).serial).toBe(again.serial);
    expect(materialized()).toEqual(LINK_FILES);
  });

  test('a run with a stored response needs no server', async () => {
    const server = await issuingServerForTest('linkgrant');
    expect(await site.spawn(server.token, { dieAt: 'answer-stored' })).toEqual({ killed: true });
    await server.close();
    expect(await site.spawn(server.token)).toMatchObject({ alreadyRedeemed: true, names: ['my-link'] });
  });
});

describe('token redeem at a Skupper grant server', () => {
  test('20 concurrent processes send one request, and all end with one certificate', async () => {
    const server = await issuingServerForTest('stock');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => site.spawn(server.token, { postingLimitMs: 30_000 })),
    );
    expect(new Set(outcomes.map(({ serial, code }) => serial ?? code)).size).toBe(1);
    expect(outcomes[0]?.serial).toBeDefined();
    expect(postings(server)).toHaveLength(1);
    expect(materialized()).toEqual(LINK_FILES);
  });

  test.each(['before-post', 'answer-received'])(
    'a process killed at %s sends no second request without --retry',
    async (dieAt) => {
      const server = await issuingServerForTest('stock');
      expect(await site.spawn(server.token, { dieAt })).toEqual({ killed: true });
      const before = postings(server).length;
      expect(await site.spawn(server.token, { postingLimitMs: 100 })).toEqual({ code: 'outcome_unknown' });
      expect(postings(server)).toHaveLength(before);
      expect((await site.spawn(server.token, { postingLimitMs: 100, retry: true })).names).toEqual([
        'my-link',
      ]);
      expect(postings(server)).toHaveLength(before + 1);
      expect(materialized()).toEqual(LINK_FILES);
    },
  );

  test.each(['answer-stored', 'secret-written', 'link-written', 'outcome-written'])(
    'a process killed at %s and run again ends with one certificate',
    async (dieAt) => {
      const server = await issuingServerForTest('stock');
      expect(await site.spawn(server.token, { dieAt })).toEqual({ killed: true });
      expect((await site.spawn(server.token)).names).toEqual(['my-link']);
      expect(server.issued()).toBe(1);
      expect(materialized()).toEqual(LINK_FILES);
    },
  );
});

/** Returns the SHA-256 of the key of a CSR. CSRs of one key differ in their signatures. */
function keyOf(csr: string): string {
  const request = parseCertificateRequest(Buffer.from(csr, 'base64'));
  return 'invalid' in request ? request.reason : request.keySha256;
}
