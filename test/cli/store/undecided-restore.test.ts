import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  Workplace,
} from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';

const work = releaseAfterFile(new Workplace());
const [data, backup] = [work.path('data'), work.path('backup.gz')];
const LISTEN = ['--listen', '127.0.0.1:0', '--ops-listen', 'off', ...ENDPOINT];

const on = (directory: string) => ['--data-dir', directory];
const restore = (directory: string, ...words: readonly string[]) =>
  linkgrant(['store', 'restore', backup, ...on(directory), ...words]);
const grantsOn = async (directory: string) =>
  json(expectSuccess(await linkgrant(['grant', 'list', '-o', 'json', ...on(directory)])));
const createGrant = (name: string, directory: string) =>
  linkgrant(['grant', 'create', name, ...on(directory)]);

await work.serveOnce([...on(data), ...LISTEN]);
expectSuccess(await createGrant('hub', data));
expectSuccess(await linkgrant(['store', 'backup', backup, ...on(data)]));
expectSuccess(await createGrant('later', data));

/** A data directory with a restored store that was not accepted, as after a restore that was killed before it accepted the store. */
async function undecidedStore(name: string): Promise<string> {
  const directory = work.path(name);
  mkdirSync(directory, { mode: 0o700 });
  // With the record of the first host the files are moved, and the store is not accepted: it lacks a grant.
  renameSync(`${data}/ledger-seen`, `${directory}/ledger-seen`);
  const undecided = expectRefusal(await restore(directory), 2);
  expect(undecided.error).toContain('the backup is restored, but the store lacks');
  renameSync(`${directory}/ledger-seen`, `${data}/ledger-seen`);
  return directory;
}

describe('a restored store that is not accepted', () => {
  it.each([
    ['revoke', 'revoked'],
    ['keep', 'ready'],
  ])(
    'can only be read until `store restored --%s`, also on a host without a record of its ledger',
    async (choice, state) => {
      const directory = await undecidedStore(choice);
      for (const words of [
        ['serve', ...LISTEN],
        ['serve', '--workers', '2', ...LISTEN],
        ['grant', 'revoke', 'hub'],
        ['token', 'issue', work.path('refused.yaml'), '--name', 'new'],
      ]) {
        const refused = await linkgrant([...words, ...on(directory)]);
        expect(refused.code, words.join(' ')).not.toBe(0);
        expect(refused.stderr).toContain('the store is not accepted yet');
        expect(refused.stderr).toMatch(/run `linkgrant store restored( --data-dir \S+)?`/);
      }
      expect(await grantsOn(directory)).toMatchObject([{ name: 'hub', state: 'ready' }]);
      expect((await linkgrant(['grant', 'list', ...on(directory)])).stderr).toMatch(
        /^warning: .* the store is not accepted yet .*; run `linkgrant store restored/,
      );
      expect(existsSync(`${directory}/ledger-seen`)).toBe(false);
      expect((await linkgrant(['doctor', ...on(directory)])).stdout).toMatch(
        /fail +store age .*not accepted yet/,
      );

      const accepted = await linkgrant(['store', 'restored', `--${choice}`, ...on(directory)]);
      expectSuccess(accepted);
      expect(accepted.stdout).toContain('A service can use the store again.');
      expect(await grantsOn(directory)).toMatchObject([{ name: 'hub', state }]);
      await work.serveOnce([...on(directory), ...LISTEN]);
      expect(readdirSync(directory)).not.toContain('restore-undecided');
    },
  );

  it('can be upgraded, and needs the decision after it', async () => {
    const directory = await undecidedStore('migrated');
    expectSuccess(await linkgrant(['store', 'migrate', ...on(directory)]));
    expect(expectRefusal(await linkgrant(['serve', ...LISTEN, ...on(directory)]), 2).error).toContain(
      'not accepted yet',
    );
    expect(expectRefusal(await linkgrant(['store', 'restored', ...on(directory)]), 2).error).toContain(
      'this host has no record of the ledger',
    );
  });

  it('is accepted by `store restored` without a choice, if it lacks nothing that this host has recorded', async () => {
    const directory = work.path('complete');
    expectSuccess(await restore(directory, '--keep'));
    expectSuccess(await createGrant('west', directory));
    const file = work.path('complete.gz');
    expectSuccess(await linkgrant(['store', 'backup', file, ...on(directory)]));
    for (const name of readdirSync(directory).filter((one) => one !== 'ledger-seen'))
      rmSync(`${directory}/${name}`, { recursive: true });
    expectSuccess(await linkgrant(['store', 'restore', file, ...on(directory)]));
    expectSuccess(await createGrant('east', directory));
  });
});

describe('store restore', () => {
  it('writes nothing without a decision on a host that has the record of another ledger only', async () => {
    const directory = work.path('other-ledger');
    await work.serveOnce([...on(directory), ...LISTEN]);
    for (const name of readdirSync(directory).filter((one) => one !== 'ledger-seen'))
      rmSync(`${directory}/${name}`, { recursive: true });
    expect(readdirSync(`${directory}/ledger-seen`)).toHaveLength(1);
    const refused = expectRefusal(await restore(directory), 2);
    expect(refused.error).toContain('has no record of the ledger of the backup');
    expect(refused.error).toContain('nothing was restored');
    expect(readdirSync(directory)).toEqual(['ledger-seen']);

    expectSuccess(await restore(directory, '--revoke'));
    expect(await grantsOn(directory)).toMatchObject([{ name: 'hub', state: 'revoked' }]);
  });
});
