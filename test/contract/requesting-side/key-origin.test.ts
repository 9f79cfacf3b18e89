import { beforeEach, describe, expect, it } from 'vitest';
import { generateKey } from '../../../src/pki/keys.js';
import { releaseAfterTest } from '../../support/release.js';
import { makeAuthority } from '../../support/server-identity.js';
import { postings, serveHttps, type TestServer } from '../../support/servers/hostile-server.js';
import { checkAnswer, issuingServerForTest, renderAnswer } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

/** Starts a server that answers the check as linkgrant, and whose redemption response contains a private key. */
async function startDowngrading(): Promise<TestServer> {
  const { keyPem: tlsKey, spkiDer } = await generateKey('p256');
  const issued = { name: 'my-link', spkiDer, tlsKey };
  const response = await renderAnswer(await makeAuthority('Site CA'), issued);
  return releaseAfterTest(
    await serveHttps(({ url }, _incoming, outgoing) => {
      outgoing.end(url.endsWith('/-/check') ? JSON.stringify(checkAnswer()) : response);
    }),
  );
}

const linkFiles = () => [...site.files().keys()].filter((path) => path.startsWith('links/'));

describe('a response that contains a private key', () => {
  it('is refused after a check that linkgrant answered', async () => {
    const server = await startDowngrading();
    const redeeming = site.redeem({ token: server.token });
    await expect(redeeming).rejects.toMatchObject({
      code: 'answer_invalid',
      message: expect.stringContaining('although linkgrant signs the key of the request'),
    });
    expect(postings(server)).toHaveLength(1);
    expect(linkFiles()).toEqual([]);
  });
});

describe('a redemption with --own-key', () => {
  it('refuses a Skupper grant server before it sends the code, and leaves no key', async () => {
    const server = await issuingServerForTest('stock');
    expect(await site.outcome({ token: server.token, ownKey: true })).toBe('server_generated_key');
    expect(postings(server)).toEqual([]);
    expect(site.files().size).toBe(0);
    expect(await site.outcome({ token: server.token })).toBe('redeemed');
  });

  it('refuses a link whose key the server generated in an earlier redemption', async () => {
    const server = await issuingServerForTest('stock');
    await site.redeem({ token: server.token });
    const before = site.files();
    expect(await site.outcome({ token: server.token, ownKey: true })).toBe('server_generated_key');
    expect(site.files()).toEqual(before);
  });

  it('succeeds at linkgrant', async () => {
    const server = await issuingServerForTest('linkgrant');
    expect(await site.outcome({ token: server.token, ownKey: true })).toBe('redeemed');
  });
});
