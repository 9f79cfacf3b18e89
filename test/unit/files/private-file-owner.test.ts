import { chownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from '../../../src/compose/open-store.js';
import { backUp, restore } from '../../../src/compose/store-backup.js';
import { CodeKeyDirectory } from '../../../src/platforms/standalone/code-key-directory.js';
import { OwnedAuthorities } from '../../../src/platforms/standalone/owned-authorities.js';
import { directoryForTest } from '../../support/release.js';
import { SAMPLE_CODE, sampleGrant } from '../../support/store-samples.js';

// The uid of a user without privileges. Run by another user than root, these tests always pass: a user owns all that it creates.
const OTHER = 65_534;
const STOP = new AbortController().signal;
const CONTEXT = { clock: Date.now, checkpoint: () => {} };

/** Makes a directory of that user, if this is root. */
function directoryOfOther(): string {
  const directory = directoryForTest();
  if (process.getuid?.() === 0) chownSync(directory, OTHER, OTHER);
  return directory;
}

/** Returns the files and directories that `directory` contains, and those of them that belong to another user than it does. */
function contentOf(directory: string): { readonly created: string[]; readonly ofOthers: string[] } {
  const { uid, gid } = lstatSync(directory);
  const created = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const isOfOther = (name: string) => {
    const owner = lstatSync(join(directory, name));
    return owner.uid !== uid || owner.gid !== gid;
  };
  return { created, ofOthers: created.filter(isOfOther) };
}

it('all that root creates in a data directory belongs to the owner of that directory', async () => {
  const directory = directoryOfOther();
  const store = await openStore({ store: undefined, dataDir: directory }, CONTEXT, true);
  await store.createGrant(sampleGrant(), SAMPLE_CODE);
  await store.close();
  new CodeKeyDirectory(directory, Date.now).rotate();
  await new OwnedAuthorities(directory).ensure('ca', 'a CA', Date.now());
  const { created, ofOthers } = contentOf(directory);
  expect(created).toEqual(
    expect.arrayContaining(['linkgrant.db', 'ledger.key', 'code-keys/1.json', 'issuers/ca/tls.key']),
  );
  expect(created.some((name) => name.startsWith('ledger-seen/'))).toBe(true);
  expect(ofOthers).toEqual([]);
});

it('all that root restores from a backup belongs to the owner of the data directory', async () => {
  const [source, target] = [directoryForTest(), directoryOfOther()];
  const backup = join(directoryForTest(), 'backup.gz');
  await (await openStore({ store: undefined, dataDir: source }, CONTEXT, true)).close();
  await new OwnedAuthorities(source).ensure('ca', 'a CA', Date.now());
  await backUp({ store: undefined, dataDir: source }, backup, CONTEXT, STOP);
  await restore({ store: undefined, dataDir: target }, backup, Date.now, STOP);
  const { created, ofOthers } = contentOf(target);
  expect(created).toEqual(expect.arrayContaining(['linkgrant.db', 'ledger.key', 'issuers/ca/tls.key']));
  expect(ofOthers).toEqual([]);
});
