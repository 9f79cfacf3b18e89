import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { expectRefusal, json, linkgrant, refusalOf } from '../../support/command-line.js';
import { openSqliteFile } from '../../support/stores/sqlite-file.js';
import { A, openSampleLedger } from './sample-ledger.js';

const { copyOriginal, original } = await openSampleLedger();

describe('ledger verify', () => {
  describe('on a host that has recorded more entries', () => {
    const EPOCH = "key = 'ledger-epoch'";
    const lacksMark = 'lacks its mark: the setting ledger-epoch or ledger-key is missing or forged';
    /** A directory whose store was accepted once as a restored one, and has 18 entries. */
    const usedDirectory = async (): Promise<string> => {
      const directory = copyOriginal('used');
      const place = ['--data-dir', directory];
      expect((await linkgrant(['grant', 'revoke', 'c', ...place])).code).toBe(0);
      copyFileSync(`${original}/linkgrant.db`, `${directory}/linkgrant.db`);
      expect((await linkgrant(['store', 'restored', '--keep', ...place])).code).toBe(0);
      expect((await linkgrant(['grant', 'revoke', 'a', ...place])).code).toBe(0);
      const verified = await linkgrant(['ledger', 'verify', ...place]);
      expect(verified.stdout).toBe('The ledger is unchanged: 18 entries.\n');
      return directory;
    };

    it.each([
      ['a deleted mark of the ledger', `DELETE FROM settings WHERE ${EPOCH}`, lacksMark],
      ['an empty mark', `UPDATE settings SET value = '' WHERE ${EPOCH}`, lacksMark],
      [
        'a mark with a forged epoch',
        `UPDATE settings SET value = replace(value, ' 2 ', ' 3 ') WHERE ${EPOCH}`,
        lacksMark,
      ],
      [
        'a mark with a forged id',
        `UPDATE settings SET value = '${A}' || substr(value, 37) WHERE ${EPOCH}`,
        lacksMark,
      ],
      ['a deleted id of the key', "DELETE FROM settings WHERE key = 'ledger-key'", lacksMark],
      [
        'the mark of an earlier epoch',
        `ATTACH '${original}/linkgrant.db' AS earlier;
        UPDATE settings SET value = (SELECT value FROM earlier.settings WHERE ${EPOCH}) WHERE ${EPOCH}`,
        'lacks 1 entry that this host has recorded: the store was rolled back',
      ],
    ])('reports %s, as `serve` does', async (_, sql, fault) => {
      const directory = await usedDirectory();
      const db = openSqliteFile(`${directory}/linkgrant.db`);
      db.exec(sql);
      db.close();
      for (const words of [[], ['--grant', 'b']]) {
        const ended = await linkgrant(['ledger', 'verify', ...words, '--data-dir', directory]);
        const refused = expectRefusal(ended, 2);
        expect(refused.error).toBe(`the ledger is not intact: the ledger ${fault}`);
        expect(refused.hint).toContain('linkgrant store restored');
      }
      const serve = ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off', '--data-dir', directory];
      expect(expectRefusal(await linkgrant(serve), 2).hint).toContain('linkgrant store restored');
    });

    it('reports an earlier copy of the store until it is accepted', async () => {
      const directory = copyOriginal('rolled-back');
      const place = ['--data-dir', directory];
      const verify = () => linkgrant(['ledger', 'verify', ...place]);
      for (const name of ['a', 'c']) {
        expect((await linkgrant(['grant', 'revoke', name, ...place])).code).toBe(0);
      }
      copyFileSync(`${original}/linkgrant.db`, `${directory}/linkgrant.db`);
      const refused = expectRefusal(await verify(), 2);
      expect(refused.error).toContain('the ledger lacks 2 entries that this host has recorded');
      expect((await linkgrant(['store', 'restored', '--keep', ...place])).code).toBe(0);
      expect(await verify()).toMatchObject({ code: 0, stdout: 'The ledger is unchanged: 17 entries.\n' });
    });
  });

  it('names `store restored` if a command would write to a restored backup', async () => {
    const directory = copyOriginal('restored');
    const revoke = (name: string) => linkgrant(['grant', 'revoke', name, '--data-dir', directory]);
    expect((await revoke('a')).code).toBe(0);
    copyFileSync(`${original}/linkgrant.db`, `${directory}/linkgrant.db`);
    const refused = expectRefusal(await revoke('a'), 2);
    expect(refused.error).toContain('the store was rolled back');
    expect(refused.hint).toContain(`run \`linkgrant store restored --data-dir ${directory}\``);
  });

  it.each([
    [
      'another key',
      (file: string) => writeFileSync(file, `${'5a'.repeat(32)}\n`),
      'is not the key of this ledger',
    ],
    ['a missing key', (file: string) => rmSync(file), 'cannot be read (ENOENT)'],
    ['a damaged key', (file: string) => writeFileSync(file, 'x'), 'holds no key of a ledger'],
  ])('refuses to verify, to write and to serve with %s', async (_, change, reason) => {
    const directory = copyOriginal('keyless');
    change(`${directory}/ledger.key`);
    const data = ['--data-dir', directory];
    for (const words of [
      ['ledger', 'verify'],
      ['grant', 'revoke', 'a'],
      ['serve', '--listen', '127.0.0.1:0', '--ops-listen', 'off'],
    ]) {
      const ended = await linkgrant([...words, ...data]);
      expect(refusalOf(ended)).toEqual({
        error: expect.stringContaining(reason),
        hint: expect.stringContaining('restore ledger.key'),
      });
      expect(ended.code).toBe(2);
    }
    expect((await linkgrant(['redemption', 'list', ...data])).code).toBe(0);
    expect(json(await linkgrant(['grant', 'show', 'a', '-o', 'json', ...data]))).not.toMatchObject({
      state: 'revoked',
    });
  });
});
