import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  refusalOf,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { listenLocally } from '../../support/servers/local-server.js';
import { copySite } from '../../support/sites/system-site.js';
import { OpenSsl } from '../../unit/pki/openssl.js';

const CODE = 'a-code-that-a-file-declares';
// The service reads the files every 10 seconds.
const SCAN_WAIT = { timeout: 40_000, interval: 250 };

const place = releaseAfterFile(new Workplace());
const openssl = releaseAfterFile(new OpenSsl());
const dataDir = place.path('data');
const west = copySite('west', place.path('skupper'));
const words = [
  ...['--platform', 'linux', '--skupper-home', west.home, '--data-dir', dataDir],
  ...['--host', '127.0.0.1', '--host', 'vm'],
];

copySite('east', west.home);
declare('early');
declare('codeless', { code: undefined, redemptionsAllowed: 2 });
let service = await place.serve(words);

function declare(name: string, spec: Record<string, unknown> = {}): void {
  west.writeResource('input', { kind: 'AccessGrant', name, spec: { code: CODE, ...spec } });
}

const run = (...command: readonly string[]) => linkgrant([...command, '--data-dir', dataDir]);

async function grants(): Promise<
  { name: string; uid: string; redemptions: number; redemptionsAllowed: number }[]
> {
  return json(await run('grant', 'list', '-A', '-o', 'json'));
}

const grantOf = async (name: string) => (await grants()).find((grant) => grant.name === name);

async function issue(name: string, ...more: readonly string[]) {
  const file = place.path(`${name}.yaml`);
  const issued = expectSuccess(await run('token', 'issue', file, '-n', 'west', '--name', name, ...more));
  return { file, ...issued };
}

async function redeem(file: string, to: string): Promise<void> {
  const site = ['--to', to, '--data-dir', place.path(`requesting-${Date.now()}`)];
  expectSuccess(await linkgrant(['token', 'redeem', file, ...site]));
}

/** Returns the credentials and endpoints in the Secret and Link of a redeemed token. */
function written(to: string, name: string) {
  const { data } = parse(readFileSync(join(to, `Secret-${name}.yaml`), 'utf8'));
  const text = (key: string) => Buffer.from(data[key], 'base64').toString();
  const { spec } = parse(readFileSync(join(to, `Link-${name}.yaml`), 'utf8'));
  return { cert: text('tls.crt'), key: text('tls.key'), ca: text('ca.crt'), endpoints: spec.endpoints };
}

/** Connects, as a router does, with TLS 1.3 to a listener with the certificate, key and CA of the site's router. */
async function linkTo(
  credentials: { readonly cert: string; readonly key: string; readonly ca: string },
  servername: string,
) {
  const own = (file: string) => west.read(`runtime/certs/west/${file}`);
  const listener = createServer({
    cert: own('tls.crt'),
    key: own('tls.key'),
    ca: own('ca.crt'),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  });
  listener.on('tlsClientError', () => undefined);
  listener.on('secureConnection', (peer: TLSSocket) => {
    peer.on('error', () => undefined);
    peer.end(`linked as ${peer.getPeerCertificate().subject.CN}`);
  });
  const { port, close } = await listenLocally(listener);
  const socket = connect({ host: '127.0.0.1', port, servername, ...credentials });
  try {
    let heard = '';
    for await (const chunk of socket) heard += chunk;
    return { heard, authorized: socket.authorized };
  } catch (error) {
    return { error: (error as Error).message };
  } finally {
    socket.destroy();
    await close();
  }
}

describe('a service for the sites of a system platform', () => {
  it('prints the endpoints of each site, or why it accepts no links and how to change it', () => {
    const lines = service.said.stdout.split('\n');
    expect(lines).toContain(
      'Namespace east: no links, site "east" accepts no links; enable it with `skupper site update east --enable-link-access -n east -p linux`, then run `skupper system reload -n east -p linux`',
    );
    expect(lines).toContain('Namespace west: links to inter-router vm:55671, edge vm:45671');
    expect(service.said.stdout).toMatch(
      /^Next: linkgrant token issue token\.yaml --namespace west --data-dir /m,
    );
    expect(service.url).toBe(`https://127.0.0.1:${service.port}`);
  });

  it('issues a certificate that completes a TLS 1.3 handshake with the real router certificate', async () => {
    const { file, stderr } = await issue('to-west');
    expect(stderr).toContain('Links to inter-router vm:55671, edge vm:45671\n');
    const to = place.path('links');
    await redeem(file, to);
    const { endpoints, ...credentials } = written(to, 'to-west');
    expect(endpoints).toEqual([
      { name: 'inter-router', host: 'vm', port: '55671', group: 'west' },
      { name: 'edge', host: 'vm', port: '45671', group: 'west' },
    ]);
    const { subject } = new X509Certificate(credentials.cert);
    expect(await linkTo(credentials, endpoints[0].host)).toEqual({
      heard: `linked as ${subject.replace('CN=', '')}`,
      authorized: true,
    });
    expect(await linkTo(credentials, 'elsewhere')).toEqual({ error: expect.stringContaining('elsewhere') });
    const foreign = {
      ...credentials,
      cert: west.read('runtime/certs/skupper-local-client/tls.crt'),
      key: west.read('runtime/certs/skupper-local-client/tls.key'),
    };
    // With TLS 1.3 the client completes its handshake before the server refuses it and closes the connection.
    expect((await linkTo(foreign, 'vm')).heard ?? '').toBe('');

    const siteCa = west.read('runtime/issuers/skupper-site-ca/tls.crt');
    expect(openssl.verifies(credentials.cert, siteCa, 'sslclient')).toMatchObject({ ok: true });
    const router = west.read('runtime/certs/west/tls.crt');
    const verified = openssl.try([
      ...['verify', '-purpose', 'sslserver', '-verify_hostname', 'vm'],
      ...['-CAfile', openssl.write('ca.pem', credentials.ca), openssl.write('router.pem', router)],
    ]);
    expect(verified.ok, verified.output).toBe(true);
  });

  it.each([
    [
      'east',
      'site "east" accepts no links',
      'skupper site update east --enable-link-access -n east -p linux',
    ],
    [
      'nope',
      'namespace "nope" has no site',
      'skupper site create NAME --enable-link-access -n nope -p linux',
    ],
  ])(
    'creates neither grant nor link for namespace %s, which accepts no links',
    async (namespace, error, hint) => {
      const before = await grants();
      const refusal = expectRefusal(
        await run('token', 'issue', place.path('refused.yaml'), '-n', namespace),
        1,
      );
      expect(refusal.error).toBe(error);
      expect(refusal.hint).toContain(hint);
      expect(refusalOf(await run('grant', 'create', 'x', '-n', namespace))).toEqual(refusal);
      const words = ['link', 'generate', 'peer', '--to', place.path('no-link'), '--platform', 'linux'];
      const generated = expectRefusal(await run(...words, '-n', namespace), 1);
      expect(generated.error).toBe(`the link was not created: ${error}`);
      expect(await grants()).toEqual(before);
    },
  );
});

describe('a grant that a file declares', () => {
  it('a declared grant is redeemed with the code of its file', async () => {
    const codeFile = place.path('code');
    writeFileSync(codeFile, `${CODE}\n`);
    const { file } = await issue('early-token', '--grant', 'early', '--code-file', codeFile);
    const to = place.path('early-links');
    await redeem(file, to);
    expect((await linkTo(written(to, 'early-token'), 'vm')).authorized).toBe(true);
    expect(await grantOf('early')).toMatchObject({ redemptions: 1, redemptionsAllowed: 1 });
  });

  it('a declared grant without a code is redeemed with signed tokens', async () => {
    const signed = [
      await issue('one-of-codeless', '--grant', 'codeless'),
      await issue('two-of-codeless', '--grant', 'codeless', '--subject', 'east'),
    ];
    for (const [index, { file }] of signed.entries()) {
      const { name, annotations } = parse(readFileSync(file, 'utf8')).metadata;
      expect(annotations['linkgrant.dev/issuer-site']).toMatch(/./);
      const to = place.path(`codeless-links-${index}`);
      await redeem(file, to);
      expect((await linkTo(written(to, name), 'vm')).authorized).toBe(true);
    }
    expect(await grantOf('codeless')).toMatchObject({ redemptions: 2, redemptionsAllowed: 2 });
  });

  it('grant delete refuses a declared grant while its file exists', async () => {
    const { error, hint } = expectRefusal(await run('grant', 'delete', 'early', '-n', 'west'), 1);
    expect(error).toContain('is declared by the file AccessGrant-early.yaml');
    expect(hint).toContain('remove the file from input/resources');
    expect(await grantOf('early')).toBeDefined();
  });

  it('grant update refuses to change the limits and rules of a declared grant', async () => {
    const before = await grantOf('early');
    for (const change of [
      ['--subjects', 'a'],
      ['--redemptions-allowed', '9'],
      ['--expiration-window', '9d'],
      ['--subjects', 'a', '--label', 'a=b'],
    ]) {
      const { error, hint } = expectRefusal(
        await run('grant', 'update', 'early', '-n', 'west', ...change),
        1,
      );
      expect(error).toBe('grant "early" is declared by the file AccessGrant-early.yaml');
      expect(hint).toContain('spec.settings');
    }
    expect(await grantOf('early')).toEqual(before);
  });

  it('grant update sets labels and note of a declared grant, because its file has none', async () => {
    const before = await grantOf('early');
    const change = ['--label', 'team=x', '--note', 'for the branches'];
    expectSuccess(await run('grant', 'update', 'early', '-n', 'west', ...change));
    const labelled = { ...before, labels: { team: 'x' }, note: 'for the branches' };
    expect(await grantOf('early')).toEqual(labelled);
  });

  it('a declared grant retains uid and count over a restart, and follows its file while the service runs', async () => {
    const before = await grantOf('early');
    expect(await service.stop()).toMatchObject({ code: 0 });
    service = await place.serve(words);
    expect(await grantOf('early')).toEqual(before);

    const settings = { 'linkgrant/subjects': 'hq' };
    declare('early', { redemptionsAllowed: 3, settings });
    declare('late');
    declare('weak', { code: 'too-short-a-one' });
    await vi.waitFor(async () => expect(await grantOf('late')).toBeDefined(), SCAN_WAIT);
    expect(await grantOf('early')).toMatchObject({
      ...{ uid: before?.uid, redemptions: 1, redemptionsAllowed: 3, policy: settings },
    });
    expect(await grantOf('weak')).toBeUndefined();

    west.delete('input/resources/AccessGrant-late.yaml');
    await vi.waitFor(async () => expect(await grantOf('late')).toBeUndefined(), SCAN_WAIT);
    const logged = (event: string) =>
      service.said.stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter((line) => line.event === event);
    await vi.waitFor(() => expect(logged('grant_file_removed')).toMatchObject([{ name: 'late' }]), SCAN_WAIT);
    expect(logged('grant_file_changed')).toMatchObject([{ name: 'early' }]);
    expect(logged('grant_file_adopted')).toMatchObject([{ name: 'late', namespace: 'west' }]);
    // The service finds the file in each scan, and logs it once.
    expect(logged('grant_file_unusable')).toMatchObject([
      { file: 'AccessGrant-weak.yaml', reason: 'the code must have at least 16 characters' },
    ]);
    expect(service.said.stderr).not.toContain(CODE);
    expect(service.said.stderr).not.toContain('too-short-a-one');
  });
});
