import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRedemptionClient } from '../../../src/client/https-redemption-client.js';
import { mintSignedCode } from '../../../src/codes/signed-code.js';
import { createMasterKey, grantSigningKey } from '../../../src/codes/signing-keys.js';
import type { AccessToken, RedeemableToken } from '../../../src/domain/access-token.js';
import { generateKey } from '../../../src/pki/keys.js';
import { joinLineOf } from '../../../src/redemption/accepting/join-line-of.js';
import type { TokenRedemption } from '../../../src/redemption/ports/redemption-client.js';
import { readJoinLine } from '../../../src/redemption/requesting/read-access-token.js';
import { releaseAfterTest } from '../../support/release.js';
import { DAY_MS, makeAuthority } from '../../support/server-identity.js';
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

/** A signed code, as `token issue` makes it. */
async function signedCode(): Promise<string> {
  const grantUid = randomUUID();
  const now = Date.now();
  const code = { jti: 'a-token-id', grantUid, uses: 1, issuedAt: now, expirationTime: now + DAY_MS };
  return mintSignedCode(code, grantSigningKey(createMasterKey(), grantUid));
}

/** The token that the reader of its join line gets. */
function tokenOfJoinLine(token: AccessToken): RedeemableToken {
  const read = readJoinLine(joinLineOf(token) ?? '');
  if (typeof read === 'string') throw new Error(read);
  return read;
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

describe('a token of linkgrant', () => {
  const OF_LINKGRANT: readonly [
    string,
    (token: AccessToken) => RedeemableToken | Promise<RedeemableToken>,
  ][] = [
    ['from a join line', tokenOfJoinLine],
    ['from a join line that pins no CA', (token) => ({ ...tokenOfJoinLine(token), ca: undefined })],
    ['with a signed code', async (token) => ({ ...token, code: await signedCode() })],
    ['with an end in its annotations', (token) => ({ ...token, expirationTime: Date.now() + DAY_MS })],
    ['with uses in its annotations', (token) => ({ ...token, redemptionsAllowed: 1 })],
    ['with a site in its annotations', (token) => ({ ...token, issuerSite: randomUUID() })],
  ];

  it.each(OF_LINKGRANT)('(%s) is not posted to a server that is not linkgrant', async (_, change) => {
    const server = await issuingServerForTest('stock');
    // This run trusts the server's CA, so that the certificate of the server is not what is refused.
    const ca = { ca: server.token.ca };
    const token = await change(server.token);
    const client = createRedemptionClient({ clock: Date.now, timeoutMs: 5_000 });
    const trusting = {
      ...client,
      check: (checked: RedeemableToken) => client.check({ ...checked, ...ca }),
      redeem: (posted: TokenRedemption) => client.redeem({ ...posted, token: { ...posted.token, ...ca } }),
    };
    await expect(site.redeem({ token }, { client: trusting })).rejects.toMatchObject({
      code: 'server_generated_key',
      message: expect.stringContaining('redeemed with a key of your own; nothing was posted'),
    });
    expect(server.seen.map(({ url }) => url)).toEqual([expect.stringMatching(/\/-\/check$/)]);
    expect(server.issued()).toBe(0);
    expect(site.files().size).toBe(0);
  });

  it('is redeemed by linkgrant, from a file and from a join line', async () => {
    for (const change of [tokenOfJoinLine, (token: AccessToken) => ({ ...token, redemptionsAllowed: 1 })]) {
      const server = await issuingServerForTest('linkgrant');
      const to = releaseAfterTest(makeRequestingSite());
      expect(await to.outcome({ token: change(server.token) })).toBe('redeemed');
    }
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
