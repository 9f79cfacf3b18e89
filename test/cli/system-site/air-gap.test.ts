import { expect, it } from 'vitest';
import { expectSuccess, linkgrant, Workplace } from '../../support/command-line.js';
import { startOpensslRouter } from '../../support/links/openssl-router.js';
import { releaseAfterFile } from '../../support/release.js';
import { readIdentity } from '../../support/server-identity.js';
import { copySite } from '../../support/sites/system-site.js';

const place = releaseAfterFile(new Workplace());
const west = copySite('west', place.path('accepting'));
const east = copySite('east', place.path('requesting'));
const router = releaseAfterFile(await startOpensslRouter(readIdentity(west.path('runtime/certs/west'))));
// The service publishes the place of its sites, and need not run when an operator answers a request.
await place.serveOnce([
  ...['--platform', 'linux', '--skupper-home', west.home, '--data-dir', place.path('data')],
  ...['--host', '127.0.0.1', '--host', 'vm'],
]);

it('an answer file links a Linux site to another one, and the certificate of its router is verified', async () => {
  const onEast = [
    ...['--platform', 'linux', '--namespace', 'east', '--skupper-home', east.home],
    ...['--data-dir', place.path('east')],
  ];
  const reload = ['--reload-command', 'true'];
  const request = expectSuccess(await linkgrant(['link', 'request', '--line', ...onEast]));
  const answer = place.path('answer.yaml');
  const issue = ['link', 'issue', '--request', request.stdout.trim(), '--name', 'by-answer', answer];
  const issued = expectSuccess(await linkgrant([...issue, '-n', 'west', '--data-dir', place.path('data')]));
  const [, ca = ''] = /^CA SHA-256 {2}(\S+)$/m.exec(issued.stderr) ?? [];
  expectSuccess(await linkgrant(['link', 'accept', answer, '--ca-sha256', ca, ...onEast, ...reload]));
  expect(east.input('Link-by-answer.yaml').metadata.namespace).toBe('east');
  const routes = ['55671', '45671'].map((port) => `vm:${port}:127.0.0.1:${router.port}`);
  const check = ['link', 'check', 'by-answer', ...routes.flatMap((route) => ['--connect-to', route])];
  expectSuccess(await linkgrant([...check, ...onEast]));
});
