import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { addHost } from '../../support/accepting-site.js';
import { expectRefusal, expectSuccess, json, linkgrant, Workplace } from '../../support/command-line.js';
import { identityIssuer, identityToken, writeJwks } from '../../support/identity-issuer.js';
import { startOpensslRouter } from '../../support/links/openssl-router.js';
import { releaseAfterFile } from '../../support/release.js';
import { readIdentity } from '../../support/server-identity.js';
import { listenLocally } from '../../support/servers/local-server.js';
import { createTestDatabase } from '../../support/stores/postgres-server.js';

const database = releaseAfterFile(await createTestDatabase());
const work = releaseAfterFile(new Workplace());
const env = { PGPASSWORD: database.password };
const [first, second] = [work.path('host-1'), work.path('host-2')];
const storeOf = (dataDir: string) => ['--data-dir', dataDir, '--store', database.url];
const run = (...words: readonly string[]) => linkgrant([...words, ...storeOf(first)], { env });
const report = async (...words: readonly string[]) => json(expectSuccess(await run(...words, '-o', 'json')));

const issuer = identityIssuer('RS256');
const keys = writeJwks(work.path('jwks.json'), issuer);
const ORIGIN = 'https://grants.example.com';
const flags = [
  ...['--external-url', ORIGIN, '--endpoint', 'inter-router=127.0.0.1:55671'],
  ...['--identities', JSON.stringify({ fleet: { issuer: issuer.iss, keys } })],
];
const service = await work.serve([...storeOf(first), ...flags], { env });
addHost(first, second);
const other = await work.serve([...storeOf(second), ...flags], { env });

const routerFiles = work.path('router');
expectSuccess(await run('issuer', 'server-certificate', '--host', '127.0.0.1', '--to', routerFiles));
const router = releaseAfterFile(await startOpensslRouter(readIdentity(routerFiles)));

/** Forwards connections to the first service. Cuts each when the service answers and the grant has a redemption. */
const cutting = releaseAfterFile(
  await listenLocally(
    createServer((downstream) => {
      const upstream = connect(service.port, '127.0.0.1');
      downstream.pipe(upstream);
      void forwardUntilRedeemed(upstream, downstream)
        .catch(() => undefined)
        .finally(() => [upstream, downstream].map((socket) => socket.destroy()));
    }),
  ),
);

async function forwardUntilRedeemed(upstream: Socket, downstream: Socket): Promise<void> {
  for await (const bytes of upstream) {
    // A redemption is recorded before its response is sent.
    const { redemptions } = await report('grant', 'show', 'hub');
    if (redemptions > 0) return;
    downstream.write(bytes);
  }
}

function joinAt(port: number, site: string, line: string) {
  const file = work.path(`${site}.jwt`);
  const claims = { jti: crypto.randomUUID() };
  writeFileSync(file, identityToken(issuer, { sub: 'east', aud: ORIGIN, now: Date.now() }, { claims }));
  const place = ['--to', work.path(site, 'links'), '--data-dir', work.path(site)];
  return linkgrant([
    ...['join', line, ...place, '--identity-token-file', file],
    ...['--connect-to', `::127.0.0.1:${port}`],
  ]);
}

it('an identity gets the certificate whose response was lost from the other service with a PostgreSQL store, counts one use, and its router connects', async () => {
  expectSuccess(await run('grant', 'create', 'hub', '--identities', 'fleet:*', '--redemptions-allowed', '5'));
  const { joinLine: line } = await report('grant', 'show', 'hub');
  const lost = await joinAt(cutting.port, 'east', line);
  expect([lost.code, existsSync(work.path('east', 'links', 'Link-hub.yaml'))]).toEqual([4, false]);
  const recorded = await report('redemption', 'list', '--grant', 'hub');
  expect(recorded).toMatchObject([{ subject: 'fleet:east' }]);

  expectSuccess(await joinAt(other.port, 'east', line));
  const { data } = parse(readFileSync(work.path('east', 'links', 'Secret-hub.yaml'), 'utf8'));
  const { serialNumber } = new X509Certificate(Buffer.from(data['tls.crt'], 'base64'));
  expect(serialNumber.toLowerCase()).toBe(recorded[0].serial);
  const route = ['--connect-to', `127.0.0.1:55671:127.0.0.1:${router.port}`];
  expectSuccess(await linkgrant(['link', 'check', '--dir', work.path('east', 'links'), ...route]));

  // The identity has one use, and this data directory has another key.
  for (const { port } of [service, other]) expectRefusal(await joinAt(port, 'elsewhere', line), 3);
  expect(await report('redemption', 'list', '--grant', 'hub')).toEqual(recorded);
  expect(await report('grant', 'show', 'hub')).toMatchObject({ redemptions: 1 });
  const events: { readonly kind: string }[] = await report('ledger', 'list', '--grant', 'hub');
  expect(events.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['redeemed', 'replayed', 'identity_conflict']),
  );
  expectSuccess(await run('ledger', 'verify'));
});
