import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { startAdminService } from '../support/admin-api.js';
import { releaseAfterFile } from '../support/release.js';
import { codeLines, readProjectFile, sectionsOf } from './document.js';

const service = releaseAfterFile(await startAdminService());

it('docs/how-to/admin-api.md shows commands that create, list, label, change, revoke and delete a grant', async () => {
  const examples = sectionsOf(readProjectFile('docs/how-to/admin-api.md')).find(
    ({ heading }) => heading === 'Examples',
  );
  const lines = codeLines(examples?.text ?? '', 'sh');
  expect(lines).toHaveLength(10);
  const directory = join(service.directory, 'curl');
  mkdirSync(directory);
  writeFileSync(join(directory, 'ca.pem'), service.ca);
  writeFileSync(join(directory, 'bearer.header'), `Authorization: Bearer ${service.operator}\n`);
  const script = lines.join('\n').replaceAll('grants.example.com:9443', `127.0.0.1:${service.adminPort}`);
  const { stdout } = await promisify(execFile)('bash', ['-euc', script], { cwd: directory });
  const [redemptions, grants, labelled, selected, changed, revoked, ...rest] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(redemptions).toEqual({ items: [] });
  expect(grants.items).toEqual([expect.objectContaining({ name: 'to-west', state: 'ready' })]);
  expect(labelled).toMatchObject({ labels: { team: 'payments' }, note: 'for the shop in Berlin' });
  expect(selected.items).toEqual([labelled]);
  expect(changed).toMatchObject({ redemptionsAllowed: 5, policy: { 'linkgrant/csr-required': 'true' } });
  expect(revoked).toMatchObject({ outcome: 'revoked', links: 0 });
  expect(rest).toEqual([]);
  const { token } = parse(readFileSync(join(directory, 'issued.json'), 'utf8'));
  expect(token).toMatchObject({ kind: 'AccessToken', metadata: { name: 'to-west' } });
  expect((await service.store.listGrants({ limit: 10 })).items).toEqual([]);
});
