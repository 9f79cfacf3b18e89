import { chownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from '../../../src/compose/open-store.js';
import { CodeKeyDirectory } from '../../../src/platforms/standalone/code-key-directory.js';
import { OwnedAuthorities } from '../../../src/platforms/standalone/owned-authorities.js';
import { directoryForTest } from '../../support/release.js';
import { SAMPLE_CODE, sampleGrant } from '../../support/store-samples.js';

// The uid of a user without privileges. Run by another user than root, the test always passes: a user owns all that it creates.
const OTHER = 65_534;

it('all that root creates in a data directory belongs to the owner of that directory', async () => {
  const directory = directoryForTest();
  if (process.getuid?.() === 0) chownSync(directory, OTHER, OTHER);
  const { uid, gid } = lstatSync(directory);
  const context = { clock: Date.now, checkpoint: () => {} };
  const store = await openStore({ store: undefined, dataDir: directory }, context, true);
  await store.createGrant(sampleGrant(), SAMPLE_CODE);
  await store.close();
  new CodeKeyDirectory(directory, Date.now).rotate();
  await new OwnedAuthorities(directory).ensure('ca', 'a CA', Date.now());
  const created = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  expect(created).toEqual(
    expect.arrayContaining(['linkgrant.db', 'ledger.key', 'code-keys/1.json', 'issuers/ca/tls.key']),
  );
  expect(created.some((name) => name.startsWith('ledger-seen/'))).toBe(true);
  const ownerOf = (name: string) => lstatSync(join(directory, name));
  expect(created.filter((name) => ownerOf(name).uid !== uid || ownerOf(name).gid !== gid)).toEqual([]);
});
