import { X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { RedemptionError } from '../../../src/domain/redemption-error.js';
import { readPrivateKey } from '../../../src/pki/keys.js';
import { directoryMaterializer } from '../../../src/platforms/files/directory-materializer.js';
import { streamMaterializer } from '../../../src/platforms/standalone/stream-materializer.js';
import { retryDisposition } from '../../../src/redemption/requesting/retry-disposition.js';
import { releaseAfterTest } from '../../support/release.js';
import { postings, serveHttps, type TestServer } from '../../support/servers/hostile-server.js';
import { type IssuingServer, issuingServerForTest } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

/** Starts a server that answers checks like a Skupper grant server, and redemptions with `status` and `body`. */
async function answering(status: number, body: string): Promise<TestServer> {
  return releaseAfterTest(
    await serveHttps(({ url }, _incoming, response) => {
      if (url.endsWith('/-/check')) response.writeHead(404).end('No such claim\n');
      else response.writeHead(status).end(body);
    }),
  );
}

const read = (path: string) => parse(site.files().get(path) ?? '');
const decode = (text: string) => Buffer.from(text, 'base64').toString();
const mode = (path: string) => (statSync(join(site.root, path)).mode & 0o777).toString(8);

describe('token redeem', () => {
  test("writes a Secret with the client's own key, and a Link, both as files that only their owner can read", async () => {
    const server = await issuingServerForTest('linkgrant');
    const { redemptionId, certificate } = await site.redeem({ token: server.token });
    const secret = read('links/Secret-my-link.yaml');
    expect(secret).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: {
        name: 'my-link',
        annotations: { 'linkgrant.dev/redemption-id': redemptionId },
        labels: { 'app.kubernetes.io/managed-by': 'linkgrant' },
      },
    });
    const x509 = new X509Certificate(decode(secret.data['tls.crt']));
    expect(x509.checkPrivateKey(readPrivateKey(decode(secret.data['tls.key'])))).toBe(true);
    expect(x509.serialNumber.toLowerCase()).toBe(certificate.serial);
    expect(read('links/Link-my-link.yaml')).toMatchObject({
      kind: 'Link',
      metadata: { name: 'my-link', annotations: { 'linkgrant.dev/redemption-id': redemptionId } },
      spec: { tlsCredentials: 'my-link' },
    });
    expect(read('links/Link-my-link.yaml').spec).not.toHaveProperty('cost');
    for (const path of site.files().keys()) expect(`${path} ${mode(path)}`).toBe(`${path} 600`);
    expect([mode('links'), mode('data'), mode('data/redemptions')]).toEqual(['700', '700', '700']);
  });

  test('writes the key that a Skupper grant server generated', async () => {
    const server = await issuingServerForTest('stock');
    expect((await site.redeem({ token: server.token })).source).toBe('stock');
    const { data } = read('links/Secret-my-link.yaml');
    const x509 = new X509Certificate(decode(data['tls.crt']));
    expect(x509.checkPrivateKey(readPrivateKey(decode(data['tls.key'])))).toBe(true);
  });

  test('uses the requested name, subject and cost, else those of the token', async () => {
    const server = await issuingServerForTest('linkgrant');
    const token = { ...server.token, linkCost: 5 };
    await site.redeem({ token, name: 'to-east', subject: 'Zürich' });
    expect(read('links/Link-to-east.yaml').spec.cost).toBe(5);
    const [posted] = postings(server);
    expect(posted?.headers.name).toBe('to-east');
    expect(Buffer.from(String(posted?.headers.subject), 'latin1').toString()).toBe('Zürich');
    await site.redeem({ token, linkCost: 9 });
    expect(read('links/Link-to-east.yaml').spec.cost).toBe(9);
    expect(postings(server)).toHaveLength(1);
  });

  test('writes the files of the stored response into another directory, and sends no request', async () => {
    const server = await issuingServerForTest('linkgrant');
    await site.redeem({ token: server.token });
    const before = site.files();
    const elsewhere = join(site.root, 'other', 'place');
    await site.redeem({ token: server.token }, { materializer: directoryMaterializer(elsewhere, Date.now) });
    expect(site.files().get('other/place/Secret-my-link.yaml')).toBe(before.get('links/Secret-my-link.yaml'));
    expect(server.seen).toHaveLength(2);
  });
});

describe('another name than that of the first redemption', () => {
  test('is refused with a message that has the earlier name, under which the same link is returned', async () => {
    const server = await issuingServerForTest('linkgrant');
    await site.redeem({ token: server.token, name: 'first' });
    const before = site.files();
    const again = site.redeem({ token: server.token, name: 'second' });
    await expect(again).rejects.toThrow('redeemed before under the name "first"');
    expect(await site.outcome({ token: server.token, name: 'second' })).toBe('other_name');
    expect(site.files()).toEqual(before);
    expect((await site.redeem({ token: server.token, name: 'first' })).secret.name).toBe('first');
    expect(server.issued()).toBe(1);
  });

  test('is refused also if the first response was lost; the earlier name still gets the link', async () => {
    const server = await issuingServerForTest('linkgrant');
    server.loseAnswers(3);
    expect(await site.outcome({ token: server.token, name: 'first' })).toBe('service_unavailable');
    expect(await site.outcome({ token: server.token, name: 'second' })).toBe('other_name');
    expect([...site.files().keys()].filter((path) => path.startsWith('links/'))).toEqual([]);
    expect(await site.outcome({ token: server.token, name: 'first' })).toBe('redeemed');
    expect([...site.files().keys()]).toContain('links/Link-first.yaml');
    expect(server.issued()).toBe(1);
  });
});

describe('a lost response', () => {
  test('is requested again from linkgrant with the same key, at once and in a later run', async () => {
    const server = await issuingServerForTest('linkgrant');
    server.loseAnswers(1);
    expect(await site.outcome({ token: server.token })).toBe('redeemed');
    expect(postings(server)).toHaveLength(2);

    const second = await issuingServerForTest('linkgrant');
    const other = makeRequestingSite();
    second.loseAnswers(3);
    await expect(other.redeem({ token: second.token })).rejects.toThrow('safe to repeat');
    expect(await other.outcome({ token: second.token })).toBe('redeemed');
    expect(second.issued()).toBe(1);
    other.remove();
  });

  test('is not requested again from a Skupper grant server without --retry', async () => {
    const server = await issuingServerForTest('stock');
    server.loseAnswers(1);
    expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
    expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
    expect(postings(server)).toHaveLength(1);
    expect(await site.outcome({ token: server.token, retry: true })).toBe('redeemed');
    expect(postings(server)).toHaveLength(2);
    expect(await site.outcome({ token: server.token })).toBe('redeemed');
    expect(postings(server)).toHaveLength(2);
  });

  test('is not awaited if the clock was set back since the posting', async () => {
    const server = await issuingServerForTest('stock');
    server.loseAnswers(1);
    expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
    // `bootstrap` waits for less than the time limit of a posting.
    const setBack = { clock: () => Date.now() - 3_600_000, longestWaitMs: 50 };
    expect(await site.outcome({ token: server.token }, setBack)).toBe('outcome_unknown');
    expect(postings(server)).toHaveLength(1);
  });
});

describe('the private key', () => {
  const keys = () => [...site.files().keys()].filter((path) => path.endsWith('/key.pem'));

  test('is not created for a service that cannot be reached or refuses the check', async () => {
    const server = await issuingServerForTest('linkgrant');
    server.refuse('grant_unknown');
    expect(await site.outcome({ token: server.token })).toBe('grant_unknown');
    await server.close();
    expect(await site.outcome({ token: server.token })).toBe('connection_refused');
    expect(keys()).toEqual([]);
  });

  test.each(['grant_expired', 'grant_revoked'] as const)(
    'is retained after a redemption that was refused with %s',
    async (code) => {
      const server = await issuingServerForTest('linkgrant');
      server.refuse(code);
      expect(await site.outcome({ token: server.token })).toBe(code);
      expect(keys()).toHaveLength(1);
      server.refuse(undefined);
      expect(await site.outcome({ token: server.token })).toBe('redeemed');
    },
  );
});

describe('a Skupper grant server', () => {
  test('gets no second request after a refusal that counted a use, or after an unusable response', async () => {
    for (const [status, body, code] of [
      [500, 'No valid endpoints found for site\n', 'link_access_unavailable'],
      [503, 'Internal error\n', 'store_unavailable'],
      [504, '<html>gateway</html>', 'outcome_unknown'],
      [200, 'hello', 'answer_invalid'],
    ] as const) {
      const server = await answering(status, body);
      expect(await site.outcome({ token: server.token })).toBe(code);
      expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
      expect(postings(server)).toHaveLength(1);
    }
  });

  test('may have counted a use if its response cannot be used, so the redemption is not retried automatically', async () => {
    const server = await answering(200, 'hello');
    const error = await site.redeem({ token: server.token }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'answer_invalid',
      message: expect.stringContaining('may nevertheless have counted a use'),
    });
    expect(retryDisposition(error as RedemptionError)).toBe('unknown');
  });

  test('gets another request in the next run after a refusal that counted no use', async () => {
    for (const [status, body, code] of [
      [403, 'Redemption of access token refused\n', 'code_wrong'],
      [404, 'No such access granted\n', 'grant_exhausted'],
      [404, '<html>no backend</html>', 'service_unavailable'],
      [302, '', 'redirect'],
    ] as const) {
      const server = await answering(status, body);
      expect(await site.outcome({ token: server.token })).toBe(code);
      expect(await site.outcome({ token: server.token })).toBe(code);
      expect(postings(server)).toHaveLength(2);
    }
  });

  test('gets three requests within half a minute if it responds "No such claim"', async () => {
    const server = await answering(404, 'No such claim\n');
    const waits: number[] = [];
    const wait = async (milliseconds: number) => {
      waits.push(milliseconds);
    };
    expect(await site.outcome({ token: server.token }, { wait })).toBe('grant_unknown');
    expect(waits).toEqual([15_000, 15_000]);
    expect(postings(server)).toHaveLength(3);
  });

  test('that responds "No such claim" only during its start gets requests until one succeeds', async () => {
    const stock = await issuingServerForTest('stock');
    let refusals = 2;
    const server = releaseAfterTest(
      await serveHttps(({ url }, _incoming, response) => {
        if (url.endsWith('/-/check') || refusals-- > 0) response.writeHead(404).end('No such claim\n');
        else void fetchAnswer(stock).then((answer) => response.end(answer));
      }),
    );
    expect(await site.outcome({ token: server.token })).toBe('redeemed');
    expect(postings(server)).toHaveLength(3);
  });
});

test('a failed run leaves no code and no key in its message or in a file other than key.pem', async () => {
  const server = await issuingServerForTest('stock');
  server.loseAnswers(1);
  const error = (await site.redeem({ token: server.token }).catch((reason: unknown) => reason)) as Error;
  const kept = [...site.files()]
    .filter(([path]) => !path.endsWith('key.pem'))
    .map(([path, text]) => path + text);
  for (const text of [error.message, ...kept]) {
    expect(text).not.toContain(server.token.code);
    expect(text).not.toContain('PRIVATE KEY');
  }
});

/** Returns the response that a Skupper grant server sends to another site. */
async function fetchAnswer(stock: IssuingServer): Promise<string> {
  const other = makeRequestingSite();
  let text = '';
  const materializer = streamMaterializer(async (written) => {
    text = written;
  });
  await other.redeem({ token: stock.token }, { materializer });
  other.remove();
  return text;
}
