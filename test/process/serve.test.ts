import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ENDPOINT, expectSuccess, linkgrant, type Serving, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { OpenSsl } from '../unit/pki/openssl.js';

const place = releaseAfterFile(new Workplace());
const openssl = releaseAfterFile(new OpenSsl());

const issue = async (dataDir: string) =>
  (await linkgrant(['token', 'issue', '-', '--data-dir', dataDir, '--name', 'west'])).stdout;

const redeem = (token: string, site: string, ...words: readonly string[]) =>
  linkgrant(['token', 'redeem', '-', '--to', '-', '--data-dir', place.path(site), ...words], {
    input: token,
  });

/** The certificate that the service presents, and whether `openssl` verifies it against the CA of the tokens. */
function inspectCertificate(service: Serving, dataDir: string, ...options: readonly string[]) {
  const ca = join(dataDir, 'issuers/linkgrant-server-ca/tls.crt');
  const host = service.url.includes('[::1]') ? '[::1]' : '127.0.0.1';
  const connect = ['s_client', '-connect', `${host}:${service.port}`, '-CAfile', ca, '-verify_return_error'];
  const { output } = openssl.try([...connect, ...options]);
  const [certificate = ''] =
    /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(output) ?? [];
  return { verified: output.includes('Verify return code: 0 (ok)'), certificate };
}

const modes = (directory: string) =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(directory.length + 1), (statSync(path).mode & 0o777).toString(8)];
    }),
  );

const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('the first start', () => {
  it('creates CAs, certificate and store readable only by their owner, and prints the next step', async () => {
    const dataDir = place.path('first', 'data');
    const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT, '--ops-listen', '127.0.0.1:0']);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(modes(dataDir)).toMatchObject({
      issuers: '700',
      'issuers/linkgrant-server-ca': '700',
      'issuers/linkgrant-server-ca/tls.crt': '600',
      'issuers/linkgrant-server-ca/tls.key': '600',
      'issuers/skupper-site-ca': '700',
      'issuers/skupper-site-ca/tls.key': '600',
      'linkgrant.db': '600',
      'server.pem': '600',
    });
    expect(Object.values(modes(dataDir)).filter((mode) => !['600', '700'].includes(mode))).toEqual([]);

    expect(service.url).toBe(`https://127.0.0.1:${service.port}`);
    expect(service.opsPort).toBeGreaterThan(0);
    expect(service.said.stdout).toContain(
      `\nNext: linkgrant token issue token.yaml --data-dir ${dataDir}\nOr in a browser: linkgrant console --data-dir ${dataDir}\n`,
    );

    const { ca } = parse(await issue(dataDir)).spec;
    const fingerprint = openssl.run(['x509', '-noout', '-fingerprint', '-sha256'], ca).toString();
    expect(fingerprint.trim().toLowerCase()).toBe(`sha256 fingerprint=${service.fingerprint.toLowerCase()}`);
    expect(inspectCertificate(service, dataDir, '-verify_ip', '127.0.0.1').verified).toBe(true);
    expect(inspectCertificate(service, dataDir, '-verify_hostname', 'elsewhere.example.com').verified).toBe(
      false,
    );
  });

  it('reports that it accepts no links without an endpoint, and prints a command with one', async () => {
    const dataDir = place.path('no-endpoint');
    const service = await place.serve(['--data-dir', dataDir]);
    expect(service.said.stdout).toMatch(/^No link can be accepted yet: .*--endpoint inter-router=HOST:PORT/m);
    const trial = `linkgrant serve --endpoint inter-router=localhost:55671 --data-dir ${dataDir} `;
    expect(service.said.stdout).toContain(`stop this service, and run ${trial}`);
  });

  it('prints commands that begin with npx after npm start in a checkout', async () => {
    const dataDir = place.path('npx');
    const env = { npm_lifecycle_event: 'start', npm_package_name: 'linkgrant' };
    const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT], { env });
    expect(service.said.stdout).toContain(`Or in a browser: npx linkgrant console --data-dir ${dataDir}\n`);
  });

  it('creates one set of CAs, certificate and store when two services start at once', async () => {
    const dataDir = place.path('together');
    const [one, two] = await Promise.all([
      place.serve(['--data-dir', dataDir, ...ENDPOINT]),
      place.serve(['--data-dir', dataDir, ...ENDPOINT]),
    ]);
    expect(one.port).not.toBe(two.port);
    expect(one.fingerprint).toBe(two.fingerprint);
    for (const service of [one, two]) expect(inspectCertificate(service, dataDir).verified).toBe(true);
    const issued = await issue(dataDir);
    for (const { port } of [one, two]) {
      const token = issued.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
      const redeemed = await redeem(token, `site-${port}`);
      // The token has one use in total.
      expect(redeemed.code, redeemed.stderr).toBe(port === one.port ? 0 : 3);
    }
    expect(readdirSync(join(dataDir, 'issuers')).sort()).toEqual(['linkgrant-server-ca', 'skupper-site-ca']);
  });
});

describe('a later start', () => {
  const dataDir = place.path('again');
  const pem = join(dataDir, 'server.pem');
  const start = async (...words: readonly string[]) => {
    const service = await place.serve(['--data-dir', dataDir, ...words]);
    const { certificate, verified } = inspectCertificate(service, dataDir);
    await service.stop();
    return { service, certificate, verified };
  };

  it('retains CAs and certificate if the hosts are the same in another notation than in the certificate', async () => {
    const hosts = ['--host', 'Grants.Example.com', '--host', '2001:DB8:0::1', '--host', '192.0.2.9'];
    const first = await start(...hosts);
    const kept = digest(pem);
    const second = await start(...hosts);
    expect(second.service.fingerprint).toBe(first.service.fingerprint);
    expect(digest(pem)).toBe(kept);
    expect(second.certificate).toBe(first.certificate);
    const leaf = openssl.write('leaf.pem', second.certificate);
    const names = openssl.run(['x509', '-in', leaf, '-noout', '-ext', 'subjectAltName']).toString();
    expect(names).toContain('DNS:grants.example.com');
    expect(names).toContain('IP Address:2001:DB8:0:0:0:0:0:1');
    expect(names).toContain('IP Address:192.0.2.9');
    expect(second.service.url).toMatch(/^https:\/\/grants\.example\.com:\d+$/i);
  });

  it('reissues the certificate with the same CA when the hosts change', async () => {
    const before = await start('--host', 'old.example.com');
    const after = await start('--host', 'new.example.com');
    expect(after.service.fingerprint).toBe(before.service.fingerprint);
    expect(after.certificate).not.toBe(before.certificate);
    expect(after.verified).toBe(true);
    const leaf = openssl.write('leaf.pem', after.certificate);
    expect(openssl.try(['x509', '-in', leaf, '-noout', '-checkhost', 'new.example.com']).output).toContain(
      'does match',
    );
  });

  it('reissues the certificate when its file is damaged, or its CA was replaced', async () => {
    const { service } = await start();
    writeFileSync(pem, 'half a fi');
    expect((await start()).verified).toBe(true);
    rmSync(join(dataDir, 'issuers/linkgrant-server-ca'), { recursive: true });
    const other = await start();
    expect(other.service.fingerprint).not.toBe(service.fingerprint);
    expect(other.verified).toBe(true);
  });
});

describe('the URL of tokens', () => {
  it('tokens contain the external URL with its path prefix, under which the service answers', async () => {
    const dataDir = place.path('external');
    const service = await place.serve([
      ...['--data-dir', dataDir, ...ENDPOINT],
      ...['--external-url', 'https://grants.example.com:8443/link/grants/'],
    ]);
    expect(service.url).toBe('https://grants.example.com:8443/link/grants');
    const token = await issue(dataDir);
    const { url } = parse(token).spec;
    expect(url).toMatch(/^https:\/\/grants\.example\.com:8443\/link\/grants\/[0-9a-f-]{36}$/);
    const route = `grants.example.com:8443:127.0.0.1:${service.port}`;
    expectSuccess(await redeem(token, 'external-site', '--connect-to', route));
  });

  it('tokens can contain a path prefix that a proxy removes', async () => {
    const dataDir = place.path('stripped');
    const service = await place.serve([
      ...['--data-dir', dataDir, ...ENDPOINT, '--path-prefix', '/'],
      ...['--external-url', 'https://grants.example.com/link'],
    ]);
    const token = await issue(dataDir);
    const { url } = parse(token).spec;
    expect(url).toMatch(/^https:\/\/grants\.example\.com\/link\/[0-9a-f-]{36}$/);
    const direct = `https://127.0.0.1:${service.port}/`;
    const stripped = token.replace('https://grants.example.com/link/', direct);
    expectSuccess(await redeem(stripped, 'stripped-site'));
  });

  it('tokens contain the prefix of --path-prefix without --external-url', async () => {
    const dataDir = place.path('prefixed');
    const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT, '--path-prefix', '/grants']);
    expect(service.url).toBe(`https://127.0.0.1:${service.port}/grants`);
    expectSuccess(await redeem(await issue(dataDir), 'prefixed-site'));
  });

  it('tokens contain the IPv6 address of the listener in brackets', async () => {
    const dataDir = place.path('six');
    const service = await place.serve(['--data-dir', dataDir, ...ENDPOINT, '--listen', '[::1]:0']);
    expect(service.url).toBe(`https://[::1]:${service.port}`);
    expect(inspectCertificate(service, dataDir, '-verify_ip', '::1').verified).toBe(true);
    expectSuccess(await redeem(await issue(dataDir), 'six-site'));
  });
});
