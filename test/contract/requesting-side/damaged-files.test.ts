import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type IssuingServer, startIssuingServer } from '../../support/servers/issuing-server.js';
import { makeRequestingSite, type RequestingSite } from '../../support/sites/requesting-site.js';

let site: RequestingSite;
const opened: IssuingServer[] = [];

beforeEach(() => {
  site = makeRequestingSite();
});

afterEach(async () => {
  site.remove();
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

async function start(manner: 'linkgrant' | 'stock'): Promise<IssuingServer> {
  const server = await startIssuingServer(manner);
  opened.push(server);
  return server;
}

/** The path of a file that is kept of the one redemption. */
function keptFile(name: 'answer.yaml' | 'key.pem'): string {
  const path = [...site.files().keys()].find((file) => file.endsWith(`/${name}`));
  return join(site.root, path ?? `no ${name}`);
}

const contentOf = (path: string) => site.files().get(path.slice(site.root.length + 1)) ?? '';

/** Leaves of a file what a careless copy leaves. */
function damage(path: string, share: number): void {
  const text = contentOf(path);
  writeFileSync(path, text.slice(0, Math.floor(text.length * share)));
}

const messageOf = (error: unknown) => (error as Error).message;
const failure = (server: IssuingServer) => site.redeem({ token: server.token }).then(() => '', messageOf);

describe.each([0, 0.4, 0.98])('a kept answer of which only a share of %f is left', (share) => {
  test('is fetched again from linkgrant: the same certificate, and no use', async () => {
    const server = await start('linkgrant');
    const first = await site.redeem({ token: server.token });
    const before = contentOf(keptFile('answer.yaml'));
    damage(keptFile('answer.yaml'), share);
    const again = await site.redeem({ token: server.token });
    expect(again.certificate).toEqual(first.certificate);
    expect(server.issued()).toBe(1);
    expect(contentOf(keptFile('answer.yaml'))).toBe(before);
    expect((await site.redeem({ token: server.token })).alreadyRedeemed).toBe(true);
  });

  test('of a stock server is named and asked for again only when told to', async () => {
    const server = await start('stock');
    await site.redeem({ token: server.token });
    const file = keptFile('answer.yaml');
    damage(file, share);
    const left = contentOf(file);
    expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
    expect(await failure(server)).toContain(`${file} is damaged`);
    expect(contentOf(file)).toBe(left);
    expect(server.issued()).toBe(1);
    rmSync(site.to, { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await site.outcome({ token: server.token, retry: true })).toBe('redeemed');
    expect(server.issued()).toBe(2);
  });
});

test('a damaged answer is named when its service cannot be reached', async () => {
  const server = await start('linkgrant');
  await site.redeem({ token: server.token });
  damage(keptFile('answer.yaml'), 0.5);
  await server.close();
  opened.length = 0;
  expect(await failure(server)).toContain(`${keptFile('answer.yaml')} is damaged`);
});

describe.each(['empty', 'truncated'])('a key that is %s', (kind) => {
  const share = kind === 'empty' ? 0 : 0.5;

  /** A run that died after it had made its key. */
  async function keyOnly(server: IssuingServer): Promise<void> {
    const checkpoint = (at: string) => {
      if (at === 'key-created') throw new Error('died');
    };
    await site.redeem({ token: server.token }, { checkpoint }).catch(() => undefined);
    damage(keptFile('key.pem'), share);
  }

  test.each(['linkgrant', 'stock'] as const)('is made anew where %s counted nothing', async (manner) => {
    const server = await start(manner);
    await keyOnly(server);
    expect(await site.outcome({ token: server.token })).toBe('redeemed');
    expect(server.issued()).toBe(1);
    expect((await site.redeem({ token: server.token })).alreadyRedeemed).toBe(true);
  });

  test.each([true, false])('is named where linkgrant counted a use (answer kept: %s)', async (kept) => {
    const server = await start('linkgrant');
    await site.redeem({ token: server.token });
    const file = keptFile('key.pem');
    damage(file, share);
    if (!kept) rmSync(keptFile('answer.yaml'));
    rmSync(site.to, { recursive: true });
    expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
    expect(await failure(server)).toContain(`${file} is damaged`);
    expect(server.issued()).toBe(1);
    expect(await site.outcome({ token: server.token, retry: true })).toBe('redeemed');
    expect(server.issued()).toBe(2);
    expect((await site.redeem({ token: server.token })).alreadyRedeemed).toBe(true);
  });

  test('does not matter to a link whose key a stock server made', async () => {
    const server = await start('stock');
    const first = await site.redeem({ token: server.token });
    damage(keptFile('key.pem'), share);
    expect((await site.redeem({ token: server.token })).certificate).toEqual(first.certificate);
    expect(server.issued()).toBe(1);
  });
});

test('another key in the place of the posted one spends no second use by itself', async () => {
  const server = await start('linkgrant');
  await site.redeem({ token: server.token });
  rmSync(keptFile('key.pem'));
  expect(await site.outcome({ token: server.token })).toBe('outcome_unknown');
  expect(await failure(server)).toContain(`${keptFile('key.pem')} is damaged or was replaced`);
  expect(server.issued()).toBe(1);
});

test('an answer whose certificate has ended is not taken for damaged', async () => {
  const server = await start('linkgrant');
  await site.redeem({ token: server.token });
  const clock = () => Date.now() + 400 * 86_400_000;
  const message = await site.redeem({ token: server.token }, { clock }).then(() => '', messageOf);
  expect(message).toBe('The token was redeemed before, and the certificate of its link has expired.');
  expect(await site.outcome({ token: server.token }, { clock })).toBe('link_ended');
  expect(server.seen.filter(({ url }) => !url.endsWith('/-/check'))).toHaveLength(1);
});
