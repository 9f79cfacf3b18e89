import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeCertificate } from '../../../src/pki/certificate-info.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { ENDPOINT, expectRefusal, expectSuccess, json, linkgrant } from '../../support/command-line.js';

const { place, dataDir, issue, redeem, service } = await openAcceptingSite();
for (const site of ['berlin', 'paris']) expectSuccess(await redeem(await issue(site), site));
const caOf = (issuer: string) =>
  describeCertificate(readFileSync(`${dataDir}/issuers/${issuer}/tls.crt`, 'utf8')).sha256;
await service.stop();

/** Copies the data directory of the stopped service without some of its files. */
function copyWithout(name: string, missing: readonly string[]): readonly string[] {
  const directory = place.path(name);
  cpSync(dataDir, directory, { recursive: true });
  for (const path of missing) rmSync(`${directory}/${path}`, { recursive: true });
  return ['--data-dir', directory];
}

const serve = (...words: readonly string[]) =>
  linkgrant(['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off', ...ENDPOINT, ...words]);

it('a start without the CA of existing links is refused, creates no CA, and works after a restore', async () => {
  const data = copyWithout('database only', ['issuers', 'code-keys']);
  const directory = data[1] ?? '';
  const refused = expectRefusal(await serve(...data), 2);
  expect(refused.error).toBe(
    `the store has 2 links of the CA ${caOf('skupper-site-ca')}, which is not in ${directory}/issuers`,
  );
  expect(refused.hint).toContain('copy issuers/ and code-keys/');
  expect(refused.hint).toContain('--issuer-cert');
  expect(existsSync(`${directory}/issuers`)).toBe(false);

  const doctor = await linkgrant(['doctor', ...data, '-o', 'json']);
  expect(doctor.code).toBe(2);
  expect(json(doctor)).toContainEqual({
    name: 'CAs',
    status: 'fail',
    detail: refused.error,
    hint: refused.hint,
  });

  cpSync(`${dataDir}/issuers`, `${directory}/issuers`, { recursive: true });
  await (await place.serve([...data, ...ENDPOINT])).stop();
});

it('a start without the key of the ledger creates no CA', async () => {
  const data = copyWithout('no ledger key', ['issuers', 'code-keys', 'ledger.key']);
  expect(expectRefusal(await serve(...data), 2).error).toContain("the ledger's key");
  expect(existsSync(`${data[1]}/issuers`)).toBe(false);
});

it('a start without the CA in existing tokens is refused, although the CA of the links is there', async () => {
  const data = copyWithout('no server CA', ['issuers/linkgrant-server-ca']);
  const refused = expectRefusal(await serve(...data), 2);
  expect(refused.error).toContain(
    `links or tokens of the store trust the CA ${caOf('linkgrant-server-ca')}, which is not in`,
  );
});

it('an operator who has lost the CAs can create new ones', async () => {
  const data = copyWithout('lost', ['issuers', 'code-keys']);
  for (const name of ['skupper-site-ca', 'linkgrant-server-ca'])
    expectSuccess(await linkgrant(['issuer', 'create', name, ...data]));
  await (await place.serve([...data, ...ENDPOINT])).stop();
});
