import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { adminFlags, makeIssuerKey, signBearer } from '../support/admin-api.js';
import { ENDPOINT, json, linkgrant, Workplace } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { releaseAfterTest } from '../support/release.js';

it('status shows the service with its links and what needs attention, also after it died and came back', async () => {
  const place = releaseAfterTest(new Workplace());
  const dataDir = place.path('data');
  const status = (...words: string[]) => linkgrant(['status', '--data-dir', dataDir, ...words]);
  expect((await status()).code).toBe(2);
  const port = await freePort();
  const serve = ['--data-dir', dataDir, ...ENDPOINT, '--listen', `127.0.0.1:${port}`];
  const service = await place.serve(serve);
  await linkgrant(['grant', 'create', 'to-west', '--data-dir', dataDir]);
  const running = await status();
  expect(running).toMatchObject({ code: 0, stderr: '' });
  expect(running.stdout).toMatch(/^Service: +it responds at the URL in its tokens\n/);
  expect(running.stdout).toMatch(/^Certificate: ends in \d+ days, at 20\S+Z$/m);
  expect(running.stdout).toMatch(/^Endpoints: +inter-router \S+:\d+$/m);
  expect(running.stdout).toMatch(/^Grants: +1 ready, 0 not ready, 0 ended$/m);
  expect(running.stdout).toMatch(/\nNothing needs attention\.\n$/);
  expect(json(await status('-o', 'json'))).toMatchObject({
    service: { platform: 'standalone', version: expect.any(String), endpoints: [expect.any(String)] },
    ...{ grants: { ready: 1 }, attention: [] },
  });
  await service.stop();
  const dead = await status();
  expect(dead.code).toBe(1);
  expect(dead.stdout).toMatch(/^Service: +not ready: service: .* accepts no connection/);
  const step = `run \`linkgrant doctor --data-dir ${dataDir}\``;
  expect(dead.stdout).toMatch(/\nNeeds attention\n- service: .* accepts no connection .*\n {4}run /);
  expect(dead.stdout).toContain(`\n    ${step}\n`);
  expect(dead.stderr).toMatch(/^error: 1 item needs attention; service: /);
  expect(dead.stderr).toContain(`\nhint: ${step}\n`);
  const printed = await status('-o', 'json');
  expect(printed.code).toBe(1);
  expect(JSON.parse(printed.stdout).attention).toMatchObject([
    { kind: 'service-not-ready', severity: 'error', nextStep: 'linkgrant doctor' },
  ]);
  await place.serve(serve);
  expect((await status()).code).toBe(0);
});

it('status with --server shows the service, and commands for its host as such', async () => {
  const place = releaseAfterTest(new Workplace());
  const key = await makeIssuerKey('status');
  const dataDir = place.path('data');
  const service = await place.serve(['--data-dir', dataDir, ...adminFlags(key, place.path('jwks.json'))]);
  const file = place.path('bearer');
  writeFileSync(file, await signBearer(key, Date.now()), { mode: 0o600 });
  const server = ['--server', `https://127.0.0.1:${service.adminPort}`, '--server-token-file', file];
  const ca = ['--server-ca', `${dataDir}/issuers/linkgrant-server-ca/tls.crt`];
  const found = await linkgrant(['status', ...server, ...ca]);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(/^Service: +ready\n/);
  expect(found.stdout).toMatch(/^Endpoints: +none$/m);
  expect(found.stdout).toContain('on the host of the service, run `linkgrant serve --endpoint ');
  await service.stop();
  expect(await linkgrant(['status', ...server, ...ca])).toMatchObject({
    ...{ code: 4, stdout: '' },
    stderr: expect.stringMatching(/accepts no connection.*\nhint: start the service, or check /),
  });
});
