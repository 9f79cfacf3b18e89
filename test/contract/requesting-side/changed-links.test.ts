import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { releaseAfterTest } from '../../support/release.js';
import { issuingServerForTest } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

let site: RequestingSite;

beforeEach(() => {
  site = releaseAfterTest(makeRequestingSite());
});

const file = (kind: 'Link' | 'Secret') => join(site.to, `${kind}-my-link.yaml`);
const textOf = (kind: 'Link' | 'Secret') => readFileSync(file(kind), 'utf8');
const edit = (kind: 'Link' | 'Secret', change: (text: string) => string) => {
  const before = textOf(kind);
  writeFileSync(file(kind), change(before));
  expect(textOf(kind)).not.toBe(before);
};

/** Redeems, and has a user add a comment, labels, annotations, a setting and fields that linkgrant does not know. */
async function redeemedAndChanged(manner: 'linkgrant' | 'stock') {
  const server = await issuingServerForTest(manner);
  await site.redeem({ token: server.token });
  const labels = 'labels:\n    team: "network"\n    on: "true"\n';
  edit('Secret', (text) => `# Do not edit\n${text.replace('labels:\n', labels)}immutable: false\n`);
  edit('Link', (text) =>
    text
      .replace('labels:\n', labels)
      .replace('metadata:\n', 'metadata:\n  finalizers: [example.com/x]\n')
      .replace(
        'spec:\n',
        'spec:\n  settings:\n    proxy-configuration: corporate # ours\n  cost: 7\n  later: 1\n',
      ),
  );
  return server;
}

describe.each(['linkgrant', 'stock'] as const)('a repeated redemption into files, from %s', (manner) => {
  it('does not change anything that a user added to the Link or the Secret', async () => {
    const server = await redeemedAndChanged(manner);
    const before = site.files();
    expect((await site.redeem({ token: server.token })).alreadyRedeemed).toBe(true);
    expect(site.files().get('links/Link-my-link.yaml')).toBe(before.get('links/Link-my-link.yaml'));
    expect(site.files().get('links/Secret-my-link.yaml')).toBe(before.get('links/Secret-my-link.yaml'));
  });

  it('restores a changed endpoint and certificate, and retains what a user added', async () => {
    const server = await redeemedAndChanged(manner);
    const [link, secret] = [parse(textOf('Link')), parse(textOf('Secret'))];
    edit('Link', (text) => text.replace('router.example.com', 'elsewhere.example.com'));
    edit('Secret', (text) => text.replace(/ca\.crt: .*/, 'ca.crt: "eA=="'));
    await site.redeem({ token: server.token });
    expect(parse(textOf('Link'))).toEqual(link);
    expect(textOf('Link')).toContain('# ours');
    expect(parse(textOf('Secret'))).toEqual(secret);
    expect(textOf('Secret')).toContain('# Do not edit');
  });

  it('sets the requested cost and proxy, and nothing else', async () => {
    const server = await redeemedAndChanged(manner);
    const link = parse(textOf('Link'));
    await site.redeem({ token: server.token, linkCost: 9, proxyConfiguration: 'other' });
    const settings = { 'proxy-configuration': 'other' };
    expect(parse(textOf('Link'))).toEqual({ ...link, spec: { ...link.spec, cost: 9, settings } });
  });
});

it('a deleted Link is restored as it was received', async () => {
  const server = await redeemedAndChanged('linkgrant');
  rmSync(file('Link'));
  await site.redeem({ token: server.token });
  expect(parse(textOf('Link')).metadata.labels).toEqual({ 'app.kubernetes.io/managed-by': 'linkgrant' });
});
