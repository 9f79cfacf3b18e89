import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AdminService, askAdmin, startAdminService } from '../support/admin-api.js';
import { linkgrant, refusalOf } from '../support/command-line.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { makeIdentity, type TestIdentity } from '../support/server-identity.js';
import { DAY } from '../support/service.js';

let directory: string;
beforeEach(() => {
  directory = directoryForTest();
});

const files = () => ({ adminTlsCert: join(directory, 'tls.crt'), adminTlsKey: join(directory, 'tls.key') });

/** Writes a certificate and its key into the files. */
function put({ cert, key }: Pick<TestIdentity, 'cert' | 'key'>): void {
  const { adminTlsCert, adminTlsKey } = files();
  writeFileSync(adminTlsCert, cert);
  writeFileSync(adminTlsKey, key, { mode: 0o600 });
}

/** True if the admin API presents a certificate of this CA. */
async function shows({ adminPort: port, operator: bearer }: AdminService, ca: string): Promise<boolean> {
  return askAdmin({ port, ca }, 'GET', '/api/v1/service', { bearer }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

describe('the admin API', () => {
  it("presents the service's certificate, and its replacement", async () => {
    const service = releaseAfterTest(await startAdminService());
    expect(await shows(service, service.ca)).toBe(true);
    service.clock.advance(300 * DAY);
    await service.running.reloadIdentity();
    const renewed = service.logged().some(({ event }) => event === 'certificate_reloaded');
    expect(renewed).toBe(true);
    // By the clock of this client, which was not moved, the renewed certificate is not valid yet.
    // test/http/tls.test.ts tests the redemption listener.
    const fresh = await askAdmin(service.admin, 'GET', '/', {}).catch(String);
    expect(fresh).toMatch(/not yet valid/);
  });

  it('presents its own certificate, follows its files, and retains it while the files are invalid', async () => {
    const [one, two] = [await makeIdentity(), await makeIdentity()];
    put(one);
    const service = releaseAfterTest(await startAdminService(files()));
    expect([await shows(service, one.ca), await shows(service, service.ca)]).toEqual([true, false]);
    put({ cert: two.cert, key: one.key });
    await service.running.reloadIdentity();
    expect(await shows(service, one.ca)).toBe(true);
    expect(service.logged()).toContainEqual(expect.objectContaining({ event: 'admin_certificate_kept' }));
    put(two);
    await service.running.reloadIdentity();
    expect([await shows(service, one.ca), await shows(service, two.ca)]).toEqual([false, true]);
  });

  it('linkgrant serve does not start with an issuer URL without TLS or a missing JWKS file, and names the URL or the file', async () => {
    const admin = ['--admin-listen', '127.0.0.1:0', '--admin-audience', 'a', '--admin-issuer'];
    for (const [flags, setting] of [
      [['http://id.example.com'], 'http://id.example.com'],
      [['https://id.example.com', '--admin-jwks', join(directory, 'missing.json')], 'missing.json'],
    ] as const) {
      const words = ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off', '--data-dir', directory];
      const ended = await linkgrant([...words, ...admin, ...flags]);
      expect([1, 2]).toContain(ended.code);
      expect(refusalOf(ended).error).toContain(setting);
    }
  });
});
