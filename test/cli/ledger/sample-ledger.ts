import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { linkgrant, Workplace } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import {
  NOW,
  recordRenewalOf,
  SAMPLE_CODE,
  sampleGrant,
  sampleRedemption,
  sampleRenewal,
} from '../../support/store-samples.js';
import { openSqliteFile } from '../../support/stores/sqlite-file.js';
import { openSqliteStore } from '../../support/stores/sqlite-store.js';

/** The uid of grant "a", which has two redemptions. */
export const A = '00000000-0000-4000-8000-00000000000a';
/** The uid of grant "b", which has one redemption and is revoked. */
export const B = '00000000-0000-4000-8000-00000000000b';
/** The uid of grant "c", which has a signed code and no redemption. */
export const C = '00000000-0000-4000-8000-00000000000c';

/** The end of a ledger, as a row of its table. */
interface LedgerEnd {
  readonly position: number;
  readonly removed: number;
  readonly refusals: number;
  /** In hex. */
  readonly mac: string;
}

/** Creates a store whose ledger has 16 entries of all kinds. It is deleted after the tests of the file. */
export async function openSampleLedger() {
  const work = releaseAfterFile(new Workplace());
  const original = work.path('original');
  const first = sampleRedemption(A, { subject: 'site-1', createdAt: NOW + 1 });
  const second = sampleRedemption(A, { subject: '=cmd|x, "y"', createdAt: NOW + 2, jti: 'j2' });
  const third = sampleRedemption(B, { subject: 'site-3', createdAt: NOW + 3 });
  mkdirSync(original, { mode: 0o700 });
  const file = `${original}/linkgrant.db`;
  const store = await openSqliteStore({ file, migrate: true, clock: () => NOW + 20 });
  await store.createGrant(sampleGrant({ uid: A, name: 'a', redemptionsAllowed: 9 }), SAMPLE_CODE);
  await store.createGrant(sampleGrant({ uid: B, name: 'b', redemptionsAllowed: 9 }), SAMPLE_CODE);
  await store.recordRedemption(A, first, NOW + 1);
  await store.createGrant(sampleGrant({ uid: C, name: 'c' }), SAMPLE_CODE);
  const signedCode = { jti: 'j2', uses: 1, expirationTime: NOW + 60_000, subject: null };
  await store.recordRedemption(A, second, NOW + 2, { signedCode });
  await recordRenewalOf(store, sampleRenewal(first.id, 1), NOW + 4);
  const reader = openSqliteFile(file);
  const [olderEnd] = reader
    .prepare('SELECT position, removed, refusals, hex(mac) AS mac FROM ledger_end')
    .rows([], false) as [LedgerEnd];
  reader.close();
  await store.recordRedemption(B, third, NOW + 3);
  await store.recordReplay(first, '198.51.100.4', NOW + 6);
  await store.recordReplay(first, '198.51.100.4', NOW + 7);
  await store.revokeRedemption(second.id, NOW + 8);
  await store.actingAs({ actor: 'oidc:4711', actorName: '=cmd|z' }).revokeGrant(B, NOW + 9);
  await store.revokeCode({ grantUid: A, jti: 'j1', uses: 1, expirationTime: NOW }, NOW + 10);
  const refusal = {
    grantUid: B,
    code: 'grant_revoked',
    name: 'link-b',
    subject: 'site-b',
    peer: '::1',
  } as const;
  await store.recordRefusal({ ...refusal, jti: 'j4' }, NOW + 11);
  await store.recordRefusal({ ...refusal, subject: 'site-c' }, NOW + 12);
  await store.recordRefusal({ ...refusal, subject: 'site-c' }, NOW + 13);
  const issued = { grantUid: C, jti: 'j3', uses: 2, used: 0, expirationTime: NOW + 60_000, revokedAt: null };
  await store.createCode({ ...issued, subject: 'site-4', issuedAt: NOW + 14 });
  await store.updateGrant(C, { redemptionsAllowed: 4 });
  await store.putSetting('service', '{"url":"https://a"}');
  await store.close();

  return {
    /** The data directory of the store. */
    original,
    /** The redemptions of the store. */
    ...{ first, second, third },
    /** The end of the ledger as it was after its seventh entry. */
    olderEnd,
    /** Copies the store and its ledger key into a new directory. Returns the directory. */
    copyOriginal(name: string): string {
      const directory = work.path(name);
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { mode: 0o700 });
      for (const file of ['linkgrant.db', 'ledger.key'])
        copyFileSync(`${original}/${file}`, `${directory}/${file}`);
      return directory;
    },
    /** Lists the redemptions of the store. */
    list: (...words: readonly string[]) =>
      linkgrant(['redemption', 'list', ...words, '--data-dir', original]),
    /** Runs a command on the ledger of the store. */
    ledger: (...words: readonly string[]) => linkgrant(['ledger', ...words, '--data-dir', original]),
  };
}
