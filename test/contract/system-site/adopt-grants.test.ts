import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { mintSignedCode } from '../../../src/codes/signed-code.js';
import { grantSigningKey } from '../../../src/codes/signing-keys.js';
import { grantState } from '../../../src/domain/access-grant.js';
import { CodeKeyDirectory } from '../../../src/platforms/standalone/code-key-directory.js';
import { readGrantFiles } from '../../../src/platforms/system/grant-files.js';
import { SkupperHome } from '../../../src/platforms/system/skupper-home.js';
import { SystemSite } from '../../../src/platforms/system/system-site.js';
import { adoptGrants } from '../../../src/redemption/accepting/adopt-grants.js';
import { createGrant } from '../../../src/redemption/accepting/create-grant.js';
import { proveCode } from '../../../src/redemption/accepting/prove-code.js';
import type { DatabaseStore } from '../../../src/redemption/ports/database-store.js';
import { expensiveGlobs } from '../../support/expensive-globs.js';
import { directoryForTest } from '../../support/release.js';
import { SITE_TIME } from '../../support/sites/kubernetes-site.js';
import { copySite, type SystemSiteCopy } from '../../support/sites/system-site.js';
import { MINUTE, sampleRedemption } from '../../support/store-samples.js';
import { sqliteStoreForTest } from '../../support/stores/sqlite-store.js';

const CODE = 'a-code-of-24-characters!';

let home: string;
let west: SystemSiteCopy;
let east: SystemSiteCopy;
let store: DatabaseStore;
let codeKeys: CodeKeyDirectory;
let now: number;
let undeclared: Set<string>;
const clock = () => now;

beforeEach(async () => {
  home = directoryForTest();
  west = copySite('west', home);
  east = copySite('east', home);
  now = SITE_TIME;
  undeclared = new Set();
  codeKeys = new CodeKeyDirectory(home, clock);
  store = await sqliteStoreForTest(clock, home);
});

function adopt(only?: string) {
  const place = { skupperHome: home, hosts: ['vm'], namespace: only, platform: 'linux' };
  const site = new SystemSite(place, clock);
  return adoptGrants(readGrantFiles(new SkupperHome(home), only), { store, site, clock }, undeclared);
}

const declare = (name: string, spec: Record<string, unknown> = {}, site = west) =>
  site.writeResource('input', { kind: 'AccessGrant', name, spec: { code: CODE, ...spec } });

const fileOf = (name: string) => `input/resources/AccessGrant-${name}.yaml`;

async function grantOf(name: string, namespace = 'west') {
  const grant = await store.findGrantByName(namespace, name);
  if (!grant) throw new Error(`there is no grant ${name}`);
  return grant;
}

const names = async () => (await store.listGrants({ limit: 100 })).items.map(({ name }) => name);

describe('a grant that a file declares', () => {
  it('is created ready with the fields of the file, and with defaults for absent ones', async () => {
    declare('plain');
    declare('full', { redemptionsAllowed: 5, expirationWindow: '1h30m', issuer: 'skupper-site-ca' });
    declare('zero', { redemptionsAllowed: 0, expirationWindow: '', issuer: '' });
    expect(await adopt()).toEqual(
      ['full', 'plain', 'zero'].map((name) => ({
        outcome: 'adopted',
        namespace: 'west',
        name,
        file: `AccessGrant-${name}.yaml`,
      })),
    );
    const defaults = { redemptionsAllowed: 1, expirationTime: now + 15 * MINUTE, issuer: null };
    expect(await grantOf('plain')).toMatchObject({ ...defaults, isUserSuppliedCode: true, readyAt: now });
    expect(await grantOf('zero')).toMatchObject(defaults);
    expect(await grantOf('full')).toMatchObject({
      redemptionsAllowed: 5,
      expirationTime: now + 90 * MINUTE,
      issuer: 'skupper-site-ca',
    });
    const { uid } = await grantOf('plain');
    expect(await proveCode({ uid }, { code: Buffer.from(CODE) }, { store, codeKeys })).toMatchObject({
      grant: { uid },
    });
    expect(await adopt()).toEqual([]);
  });

  it('is created, changed and deleted by the file, according to the ledger', async () => {
    declare('a');
    await adopt();
    const { uid } = await grantOf('a');
    declare('a', { redemptionsAllowed: 5 });
    await adopt();
    west.delete(fileOf('a'));
    await adopt();
    await adopt();
    const { items } = await store.listLedger({ limit: 100, grantUid: uid });
    expect(items.map(({ kind, detail }) => [kind, detail.actor])).toEqual(
      ['deleted', 'changed', 'created'].map((kind) => [kind, 'file:AccessGrant-a.yaml']),
    );
  });

  it('retains uid, count and expiry at every read, and does not start again after it expired', async () => {
    declare('kept', { redemptionsAllowed: 2 });
    await adopt();
    const { uid, expirationTime } = await grantOf('kept');
    await store.recordRedemption(uid, sampleRedemption(uid), now);
    now += 60 * MINUTE;
    declare('kept', { redemptionsAllowed: 2, expirationWindow: '2h' });
    expect(await adopt()).toEqual([]);
    const later = await grantOf('kept');
    expect(later).toMatchObject({ uid, expirationTime, redemptions: 1 });
    expect(grantState(later, now)).toBe('expired');
  });

  it('stays revoked', async () => {
    declare('revoked');
    await adopt();
    await store.revokeGrant((await grantOf('revoked')).uid, now);
    declare('revoked', { redemptionsAllowed: 9 });
    await adopt();
    expect(grantState(await grantOf('revoked'), now)).toBe('revoked');
  });

  it('follows redemptionsAllowed at once, up and down', async () => {
    declare('a');
    await adopt();
    const { uid } = await grantOf('a');
    await store.recordRedemption(uid, sampleRedemption(uid), now);
    expect(grantState(await grantOf('a'), now)).toBe('exhausted');
    declare('a', { redemptionsAllowed: 3 });
    expect(await adopt()).toMatchObject([{ outcome: 'changed', name: 'a' }]);
    expect(await grantOf('a')).toMatchObject({ uid, redemptions: 1, redemptionsAllowed: 3 });
    expect(grantState(await grantOf('a'), now)).toBe('ready');
    declare('a', { redemptionsAllowed: 1 });
    await adopt();
    expect(grantState(await grantOf('a'), now)).toBe('exhausted');
    declare('a', { redemptionsAllowed: -1 });
    expect(await adopt()).toMatchObject([
      { outcome: 'unusable', reason: expect.stringMatching(/whole number.*the grant stays unchanged$/) },
    ]);
    expect(await grantOf('a')).toMatchObject({ redemptionsAllowed: 1 });
  });

  it('has the policy of its file, and follows it at once, also after its expiry', async () => {
    const settings = {
      'linkgrant/subjects': 'a-*, b',
      'linkgrant/csr-required': 'true',
      'skupper/other': 'x',
    };
    declare('a', { settings });
    expect(await adopt()).toMatchObject([{ outcome: 'adopted' }]);
    const { uid, policy } = await grantOf('a');
    expect(policy).toEqual({ subjects: ['a-*', 'b'], csrRequired: true });
    expect(await adopt()).toEqual([]);
    now += 60 * MINUTE;
    declare('a', { settings: { 'linkgrant/subjects': '' } });
    expect(await adopt()).toMatchObject([{ outcome: 'changed' }]);
    expect(await grantOf('a')).toMatchObject({ uid, policy: { subjects: [] } });
    declare('a', { settings: { 'linkgrant/names': 'UPPER' } });
    expect(await adopt()).toMatchObject([
      { outcome: 'unusable', reason: expect.stringMatching(/"UPPER".*; the grant stays unchanged$/) },
    ]);
    declare('a', { settings: { 'linkgrant/subjects': expensiveGlobs(10).join(',') } });
    expect(await adopt()).toMatchObject([
      {
        outcome: 'unusable',
        reason: expect.stringMatching(
          /^linkgrant\/subjects has globs that take .*; the grant stays unchanged$/,
        ),
      },
    ]);
    expect((await grantOf('a')).policy).toEqual({ subjects: [] });
    declare('a', { settings: null });
    expect(await adopt()).toMatchObject([{ outcome: 'changed' }]);
    expect((await grantOf('a')).policy).toEqual({});
  });

  it('retains its code when the file has another, and reports that without showing either', async () => {
    declare('a');
    await adopt();
    const { codeHash } = await grantOf('a');
    declare('a', { code: 'another-code-of-the-same-length' });
    const [reported] = await adopt();
    expect(reported).toMatchObject({
      outcome: 'unusable',
      reason: expect.stringContaining('the code of a grant cannot change'),
    });
    expect(JSON.stringify(reported)).not.toContain('another-code');
    expect((await grantOf('a')).codeHash).toEqual(codeHash);
  });

  it('is deleted when no file declares it, and its redemptions stay', async () => {
    declare('gone');
    declare('stays');
    await adopt();
    const { uid } = await grantOf('gone');
    const redemption = sampleRedemption(uid);
    await store.recordRedemption(uid, redemption, now);
    west.delete(fileOf('gone'));
    expect(await adopt()).toEqual([]);
    expect(await adopt()).toEqual([
      { outcome: 'removed', namespace: 'west', name: 'gone', file: 'AccessGrant-gone.yaml' },
    ]);
    expect(await names()).toEqual(['stays']);
    expect(await store.findRedemption(redemption.id)).toEqual(redemption);
    expect(await proveCode({ uid }, { code: Buffer.from(CODE) }, { store, codeKeys })).toMatchObject({
      refused: 'grant_unknown',
    });
  });

  it('retains its uid when it moves to another file, while the file is half-written, and while files are not mounted', async () => {
    declare('moving');
    await adopt();
    const { uid } = await grantOf('moving');
    west.write(fileOf('renamed'), west.read(fileOf('moving')));
    west.delete(fileOf('moving'));
    expect(await adopt()).toMatchObject([{ outcome: 'changed', file: 'AccessGrant-renamed.yaml' }]);
    const complete = west.read(fileOf('renamed'));
    west.write(fileOf('renamed'), 'kind: [AccessGra');
    expect(await adopt()).toEqual([
      { outcome: 'unusable', namespace: 'west', file: 'AccessGrant-renamed.yaml', reason: 'it is not YAML' },
    ]);
    west.write(fileOf('renamed'), complete);
    expect(await adopt()).toEqual([]);
    rmSync(join(home, 'namespaces'), { recursive: true });
    expect(await adopt()).toEqual([]);
    expect((await grantOf('moving')).uid).toBe(uid);
  });

  it('retains its uid and count while its file is rewritten in place, and reports what the file lacks', async () => {
    declare('kept');
    await adopt();
    const { uid } = await grantOf('kept');
    await store.recordRedemption(uid, sampleRedemption(uid), now);
    const complete = west.read(fileOf('kept'));
    for (const part of ['', 'apiVersion: skupper.io/v2alpha1\n']) {
      west.write(fileOf('kept'), part);
      expect(await adopt()).toEqual([
        {
          outcome: 'unusable',
          namespace: 'west',
          file: 'AccessGrant-kept.yaml',
          reason: 'it contains no AccessGrant',
        },
      ]);
    }
    west.write(fileOf('kept'), complete);
    expect(await adopt()).toEqual([]);
    expect(await grantOf('kept')).toMatchObject({ uid, redemptions: 1 });
  });

  it('is deleted with its namespace', async () => {
    declare('a');
    await adopt();
    west.delete();
    expect(await adopt()).toEqual([]);
    expect(await adopt()).toMatchObject([{ outcome: 'removed', name: 'a' }]);
  });

  it('stays with its count of redemptions while a program replaces its file', async () => {
    declare('kept');
    await adopt();
    const { uid } = await grantOf('kept');
    await store.recordRedemption(uid, sampleRedemption(uid), now);
    for (let round = 0; round < 2; round += 1) {
      west.delete(fileOf('kept'));
      expect(await adopt()).toEqual([]);
      declare('kept');
      expect(await adopt()).toEqual([]);
    }
    expect(await grantOf('kept')).toMatchObject({ uid, redemptions: 1 });
  });

  it('is created once by concurrent adoptions', async () => {
    declare('a');
    const adoptions = (await Promise.all([adopt(), adopt(), adopt()])).flat();
    expect(adoptions).toMatchObject([{ outcome: 'adopted' }]);
    expect(await names()).toEqual(['a']);
  });
});

describe('a grant that a file declares without a code', () => {
  it('gets a random code, is redeemed with signed codes, and is not reported again', async () => {
    declare('a', { code: undefined });
    expect(await adopt()).toMatchObject([{ outcome: 'adopted', name: 'a' }]);
    const { uid, isUserSuppliedCode } = await grantOf('a');
    expect(isUserSuppliedCode).toBe(false);
    const signed = {
      jti: 'a-signed-code',
      grantUid: uid,
      uses: 1,
      issuedAt: now,
      expirationTime: now + MINUTE,
    };
    const code = await mintSignedCode(signed, grantSigningKey(await codeKeys.current(), uid));
    expect(await proveCode({ uid }, { code: Buffer.from(code) }, { store, codeKeys })).toMatchObject({
      signedCode: { jti: 'a-signed-code' },
    });
    for (const guess of ['', 'undefined', 'null', CODE]) {
      expect(await proveCode({ uid }, { code: Buffer.from(guess) }, { store, codeKeys })).toMatchObject({
        refused: 'code_wrong',
      });
    }
    expect(await adopt()).toEqual([]);
  });
});

describe('adopting grants from files', () => {
  it.each([
    ['a short code', { code: 'fifteen-chars-x' }, /^the code must have at least 16 characters$/],
    ['a number for a code', { code: 1234567890123456 }, /^spec\.code is not a string/],
    ['a negative count', { redemptionsAllowed: -1 }, /whole number/],
    ['text for a count', { redemptionsAllowed: 'many' }, /whole number/],
    ['an invalid window', { expirationWindow: 'soon' }, /expiration window/],
    [
      'an unknown rule',
      { settings: { 'linkgrant/subject': 'a' } },
      /^spec\.settings: "linkgrant\/subject" is no/,
    ],
    [
      'a rule with another prefix',
      { settings: { 'linkgrant.dev/subjects': 'a' } },
      /is not a setting; the settings are/,
    ],
    [
      'a rule that is not a string',
      { settings: { 'linkgrant/csr-required': true } },
      /csr-required is not a string: quote/,
    ],
    ['a list for settings', { settings: ['linkgrant/subjects=a'] }, /^spec\.settings: is not a map$/],
    [
      'globs that take long to match',
      { settings: { 'linkgrant/names': expensiveGlobs(10).join(',') } },
      /^linkgrant\/names has globs that take too long to match/,
    ],
    [
      'an expiry before not-before',
      { settings: { 'linkgrant/not-before': '2100-01-01T00:00:00Z' } },
      /expire before/,
    ],
  ])('reports the reason and creates no grant for %s', async (_what, spec, reason) => {
    declare('a', spec);
    const adoptions = await adopt();
    expect(adoptions).toMatchObject([
      { outcome: 'unusable', name: 'a', reason: expect.stringMatching(reason) },
    ]);
    if ('code' in spec && spec.code !== undefined) {
      expect(JSON.stringify(adoptions)).not.toContain(String(spec.code));
    }
    expect(await names()).toEqual([]);
  });

  it.each([
    ['another apiVersion', 'apiVersion: skupper.io/v1', /^its apiVersion is not skupper\.io\/v2alpha1$/],
    ['no apiVersion', '', /^it has no apiVersion$/],
  ])('reports the reason and creates no grant for a file with %s', async (_what, line, reason) => {
    declare('a');
    west.write(fileOf('a'), west.read(fileOf('a')).replace('apiVersion: skupper.io/v2alpha1', line));
    expect(await adopt()).toMatchObject([
      { outcome: 'unusable', name: 'a', reason: expect.stringMatching(reason) },
    ]);
    expect(await names()).toEqual([]);
  });

  it('reports grants with an invalid name and without a name', async () => {
    west.write(
      fileOf('x'),
      ['Not A Name', '']
        .map(
          (name) =>
            `apiVersion: skupper.io/v2alpha1\nkind: AccessGrant\nmetadata: {name: ${name}}\nspec: {code: ${CODE}}\n`,
        )
        .join('---\n'),
    );
    expect((await adopt()).map(({ outcome }) => outcome)).toEqual(['unusable', 'unusable']);
  });

  it('reports the second of two files for one name, and creates the grant of the first', async () => {
    declare('a', { redemptionsAllowed: 2 });
    west.write(fileOf('b'), west.read(fileOf('a')).replace('redemptionsAllowed: 2', 'redemptionsAllowed: 7'));
    expect(await adopt()).toMatchObject([
      { outcome: 'adopted', file: 'AccessGrant-a.yaml' },
      {
        outcome: 'unusable',
        file: 'AccessGrant-b.yaml',
        reason: expect.stringContaining('AccessGrant-a.yaml'),
      },
    ]);
    expect(await grantOf('a')).toMatchObject({ redemptionsAllowed: 2 });
  });

  it('reports a grant whose site accepts no links, and creates it when the site accepts links', async () => {
    declare('early');
    declare('nowhere', {}, east);
    const site = west.read('runtime/resources/Site-west.yaml');
    west.delete('runtime/resources/Site-west.yaml');
    expect(await adopt()).toMatchObject([
      { outcome: 'waiting', namespace: 'east', reason: expect.stringContaining('accepts no links') },
      { outcome: 'waiting', namespace: 'west', reason: expect.stringContaining('is not started') },
    ]);
    expect(await names()).toEqual([]);
    now += 60 * MINUTE;
    west.write('runtime/resources/Site-west.yaml', site);
    await adopt();
    expect(await grantOf('early')).toMatchObject({ readyAt: now, expirationTime: now + 15 * MINUTE });
    // An adopted grant stays while the site is down.
    west.delete('runtime/resources/Site-west.yaml');
    await adopt();
    expect(await names()).toEqual(['early']);
  });

  it('does not change a grant of the same name that a command created, with and without a file', async () => {
    const request = { namespace: 'west', name: 'mine', redemptionsAllowed: 4 };
    const created = await createGrant(request, true, { store, clock });
    if ('problem' in created) throw new Error(created.problem);
    const before = await grantOf('mine');
    declare('mine', { redemptionsAllowed: 1 });
    expect(await adopt()).toMatchObject([
      { outcome: 'unusable', reason: expect.stringContaining('was created by a command') },
    ]);
    west.delete(fileOf('mine'));
    expect(await adopt()).toEqual([]);
    expect(await grantOf('mine')).toEqual(before);
  });

  it('does not change the grants of a namespace that is not served', async () => {
    const other = copySite('west', home, 'other');
    declare('a', {}, other);
    declare('b');
    await adopt();
    expect(await names()).toEqual(['a', 'b']);
    other.delete(fileOf('a'));
    west.delete(fileOf('b'));
    declare('c');
    expect(await adopt('other')).toEqual([]);
    expect(await adopt('other')).toMatchObject([{ outcome: 'removed', namespace: 'other', name: 'a' }]);
    expect(await names()).toEqual(['b']);
  });

  it('ignores files of another name or kind, and does not change the grant files', async () => {
    declare('a');
    west.write('input/resources/grant.yaml', west.read(fileOf('a')).replace('name: a', 'name: other-file'));
    west.write(fileOf('token'), 'kind: AccessToken\nmetadata: {name: token}\n');
    const before = west.read(fileOf('a'));
    await adopt();
    expect(await names()).toEqual(['a']);
    expect(west.read(fileOf('a'))).toBe(before);
  });
});
