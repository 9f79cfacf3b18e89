import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { LinkEndpoint } from '../../../src/domain/link.js';
import { linkDirectory } from '../../../src/platforms/files/link-directory.js';
import { storedLink } from '../../../src/platforms/files/link-resource.js';
import { streamMaterializer } from '../../../src/platforms/standalone/stream-materializer.js';
import { releaseAfterTest } from '../../support/release.js';
import { type IssuingServer, issuingServerForTest } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

const SENT = {
  cost: 4,
  settings: { 'proxy-configuration': 'corporate', later: 'on' },
  routingKeys: ['orders', 'billing'],
  labels: { 'example.com/team': 'network', y: '' },
  annotations: { 'example.com/note': 'two\nlines' },
};

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

const linkFile = () => parse(readFileSync(join(site.to, 'Link-my-link.yaml'), 'utf8'));
const EXPECTED = {
  metadata: {
    name: 'my-link',
    labels: { ...SENT.labels, 'app.kubernetes.io/managed-by': 'linkgrant' },
    annotations: SENT.annotations,
  },
  spec: { cost: 4, settings: SENT.settings, routingKeys: SENT.routingKeys, tlsCredentials: 'my-link' },
};

describe.each(['linkgrant', 'stock'] as const)('a Link received from %s', (manner) => {
  it('is written with its settings, cost, labels and annotations, and repeating changes nothing', async () => {
    const server = await issuingServerForTest(manner, SENT);
    await site.redeem({ token: server.token });
    expect(linkFile()).toMatchObject(EXPECTED);
    const before = site.files().get('links/Link-my-link.yaml');
    await site.redeem({ token: server.token });
    expect(site.files().get('links/Link-my-link.yaml')).toBe(before);
  });

  it.each(['answer-stored', 'secret-written'])(
    'has its settings, cost, labels and annotations after a crash at %s',
    async (dieAt) => {
      const server = await issuingServerForTest(manner, SENT);
      expect(await site.spawn(server.token, { dieAt })).toEqual({ killed: true });
      await server.close();
      await site.redeem({ token: server.token });
      expect(linkFile()).toMatchObject(EXPECTED);
    },
  );

  it('has its settings, cost, labels and annotations in a stream', async () => {
    const server = await issuingServerForTest(manner, SENT);
    let text = '';
    const materializer = streamMaterializer(async (written) => {
      text = written;
    });
    await site.redeem({ token: server.token }, { materializer });
    expect(parseAllDocuments(text)[1]?.toJS()).toMatchObject(EXPECTED);
  });

  it('gets the cost of the request, else the existing one, else that of the token', async () => {
    const server = await issuingServerForTest(manner, SENT);
    const token = { ...server.token, linkCost: 5 };
    await site.redeem({ token });
    expect(linkFile().spec.cost).toBe(5);
    await site.redeem({ token, linkCost: 9 });
    expect(linkFile().spec.cost).toBe(9);
    await site.redeem({ token });
    expect(linkFile().spec.cost).toBe(9);
  });

  it('gets the proxy of the request instead of its own', async () => {
    const server = await issuingServerForTest(manner, SENT);
    await site.redeem({ token: server.token, proxyConfiguration: 'mine' });
    expect(linkFile().spec.settings).toEqual({ ...SENT.settings, 'proxy-configuration': 'mine' });
  });
});

it('a change of the cost or of the credentials leaves the rest of a received Link as it is', async () => {
  const server = await issuingServerForTest('linkgrant', SENT);
  await site.redeem({ token: server.token });
  const links = linkDirectory(site.to);
  const secret = await links.findSecret('my-link');
  await links.update('my-link', { cost: 2 });
  await links.replaceCredentials('my-link', secret?.tlsCrt ?? '', {
    name: 'my-link',
    caCrt: 'a',
    tlsCrt: 'b',
  });
  expect(linkFile()).toMatchObject({ ...EXPECTED, spec: { ...EXPECTED.spec, cost: 2 } });
});

describe('a Link to another network, read from a Skupper Link file', () => {
  const file = resolve(import.meta.dirname, '../../fixtures/inter-network/Link-to-hub.yaml');

  /** Redeems at a server whose response has the Link of the file. */
  async function redeemFile(): Promise<IssuingServer> {
    const { endpoints, ...sent } = storedLink(parse(readFileSync(file, 'utf8')), file);
    const server = await issuingServerForTest('stock', sent, endpoints);
    await site.redeem({ token: server.token });
    return server;
  }

  it('is written as it was received: role, routing keys, settings, cost, labels and annotations', async () => {
    await redeemFile();
    const wanted = parse(readFileSync(file, 'utf8'));
    wanted.metadata.labels['app.kubernetes.io/managed-by'] = 'linkgrant';
    expect(linkFile()).toEqual(wanted);
  });

  it('keeps the routing keys that a user has changed when the redemption is repeated', async () => {
    const server = await redeemFile();
    const path = join(site.to, 'Link-my-link.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"billing"', '"invoices"'));
    await site.redeem({ token: server.token });
    expect(linkFile().spec.routingKeys).toEqual(['orders', 'invoices']);
  });
});

it('a service whose endpoint has a role that no router knows is refused before a use is spent', async () => {
  const endpoint = { name: 'normal', host: 'router.example.com', port: '5671', group: '' };
  const server = await issuingServerForTest('linkgrant', {}, [endpoint as unknown as LinkEndpoint]);
  await expect(site.redeem({ token: server.token })).rejects.toMatchObject({
    code: 'answer_invalid',
    message: expect.stringContaining('none of inter-router, edge, inter-network'),
  });
  expect(server.issued()).toBe(0);
});
