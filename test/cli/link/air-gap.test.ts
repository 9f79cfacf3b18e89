import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { formatFingerprint } from '../../../src/domain/fingerprint.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { type Ended, expectSuccess, linkgrant, refusalOf } from '../../support/command-line.js';
import { startOpensslRouter } from '../../support/links/openssl-router.js';
import { newKey } from '../../support/redeemed-answer.js';
import { releaseAfterFile } from '../../support/release.js';
import { readIdentity } from '../../support/server-identity.js';
import { yamlBomb } from '../../support/yaml-bombs.mjs';

const ENDPOINT = 'inter-router=127.0.0.1:55671';
const { place, run, report, dataDir, service } = await openAcceptingSite([
  ...['--host', '127.0.0.1', '--endpoint', ENDPOINT],
]);
const other = await openAcceptingSite(['--host', '127.0.0.1', '--endpoint', ENDPOINT]);
const routerFiles = place.path('router');
expectSuccess(await run('issuer', 'server-certificate', '--host', '127.0.0.1', '--to', routerFiles));
const router = releaseAfterFile(await startOpensslRouter(readIdentity(routerFiles)));

const onSite = (site: string, words: readonly string[], input = ''): Promise<Ended> =>
  linkgrant([...words, '--data-dir', place.path(site)], { input });
const request = async (site: string, ...words: readonly string[]) =>
  expectSuccess(await onSite(site, ['link', 'request', '--subject', site, '--line', ...words])).stdout.trim();
const answerFile = (name: string) => place.path(`${name}.answer.yaml`);
const accept = (site: string, file: string, ...words: readonly string[]) =>
  onSite(site, ['link', 'accept', file, '--to', place.path(site, 'links'), ...words]);
const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256;
const siteCa = () => fingerprintOf(readFileSync(`${dataDir}/issuers/skupper-site-ca/tls.crt`, 'utf8'));

/** Issues an answer to the request of a site, as a link with the name of the site. Returns its file. */
async function answerFor(site: string, ...words: readonly string[]): Promise<string> {
  const file = answerFile(site);
  const line = await request(site);
  expectSuccess(await run('link', 'issue', '--request', line, '--name', site, file, ...words));
  return file;
}

/** Writes an answer whose Secret is changed. Returns its file. */
function changed(file: string, change: (secret: { data: Record<string, string> }) => void): string {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS());
  change(documents[0]);
  const target = file.replace('.answer', '.changed');
  writeFileSync(target, documents.map((document) => `---\n${stringify(document)}`).join(''));
  return target;
}

/** Expects a refusal that stores nothing on a site: neither a link nor a key or answer. */
async function expectRefused(ended: Ended, site: string, code: number, reason: string): Promise<void> {
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(reason)]);
  expect(existsSync(place.path(site, 'links')) ? readdirSync(place.path(site, 'links')) : []).toEqual([]);
  const pending = place.path(site, 'redemptions');
  const stored = existsSync(pending) ? readdirSync(pending, { recursive: true, encoding: 'utf8' }) : [];
  expect(stored.filter((path) => path.includes('/'))).toEqual([]);
}

describe('a site joins by an answer file', () => {
  it('is linked without a connection to the service, and its router connects; both commands can be repeated', async () => {
    const line = await request('east');
    const file = answerFile('east');
    const issue = ['link', 'issue', '--request', line, '--name', 'east', file];
    const first = expectSuccess(await run(...issue));
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('tls.key');
    expect(first.stderr).toContain(`CA SHA-256  ${siteCa()}\n`);
    expect(expectSuccess(await run(...issue)).stderr).toContain('no use was counted');
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(await report('grant', 'show', 'east')).toMatchObject({ redemptions: 1, redemptionsAllowed: 1 });

    const accepted = expectSuccess(await accept('east', file, '--ca-sha256', siteCa()));
    expect(accepted.stderr).toContain(`CA SHA-256  ${siteCa()}\n`);
    const route = ['--connect-to', `127.0.0.1:55671:127.0.0.1:${router.port}`];
    expectSuccess(await linkgrant(['link', 'check', '--dir', place.path('east', 'links'), ...route]));
    expect((await onSite('east', ['link', 'request', '--list'])).stdout).toBe(
      'No request waits for a token.\n',
    );
    const again = expectSuccess(await accept('east', file));
    expect(again.stdout).toContain('The answer was already accepted: this is the same link.');
    const [redemption, ...rest] = await report('redemption', 'list', '--grant', 'east');
    expect([redemption.subject, redemption.mode, rest]).toEqual(['east', 'csr', []]);
    expect(redemption.peer).toMatch(/^operator:./);
    expect(redemption.jti).toBe(`key-${redemption.keySha256.slice(0, 24)}`);
    expect((await run('token', 'list', '--grant', 'east')).stdout).toContain(
      `${formatFingerprint(redemption.keySha256.slice(0, 8))}…`,
    );
    const events = await report('ledger', 'list', '--grant', 'east');
    expect(events.map(({ kind }: { kind: string }) => kind)).toEqual(
      expect.arrayContaining(['redeemed', 'replayed']),
    );
    const actors = events.map(({ actor }: { actor?: string }) => actor);
    expect(new Set(actors)).toEqual(new Set([`local:${userInfo().username}`]));
  });

  it('gets another answer that replaces its link; the command can be repeated with the id of the old link', async () => {
    expectSuccess(await accept('lost', await answerFor('lost'), '--yes'));
    const [old] = await report('redemption', 'list', '--subject', 'lost');
    await run('redemption', 'update', old.id, '--note', 'in the cellar');
    const line = await request('anything');
    const file = answerFile('lost-again');
    const issue = ['link', 'issue', '--request', line, '--replaces', old.id, file];
    expect(expectSuccess(await run(...issue)).stderr).toContain(
      `It replaces redemption ${old.id}, which is revoked: its link can connect until its certificate expires or the link is cut off\n`,
    );
    const text = readFileSync(file, 'utf8');
    expect(expectSuccess(await run(...issue)).stderr).toContain('no use was counted');
    expect(readFileSync(file, 'utf8')).toBe(text);
    expectSuccess(await accept('anything', file, '--yes'));
    const { replacedBy, revokedAt } = await report('redemption', 'show', old.id);
    expect(revokedAt).toBeDefined();
    expect(await report('redemption', 'show', replacedBy)).toMatchObject({
      ...{ subject: 'lost', name: 'lost', note: 'in the cellar', replaces: old.id },
    });
    const another = ['link', 'issue', '--request', await request('another'), '--replaces', old.id];
    for (const [words, reason] of [
      [another, `was replaced by ${replacedBy}`],
      [[...another, '--subject', 'x'], 'is for the subject of that link'],
      [['link', 'issue', '--request', line, '--replaces', 'nowhere'], 'there is no redemption'],
    ] as const) {
      expect((await run(...words)).stderr).toContain(reason);
    }
    expectSuccess(await run('ledger', 'verify'));
  });

  it('gets its answer on standard output and reads it from standard input, with a request in a file', async () => {
    const file = place.path('west.csr');
    expectSuccess(await onSite('west', ['link', 'request', file, '--subject', 'west']));
    const { stdout } = expectSuccess(await run('link', 'issue', '--request', file));
    const words = ['link', 'accept', '-', '--to', place.path('west', 'links'), '--yes'];
    expectSuccess(await onSite('west', words, stdout));
    const [link = ''] = readdirSync(place.path('west', 'links'));
    expect(link).toMatch(/^Link-link-[0-9a-f]{8}\.yaml$/);
  });

  it('is linked with the key that openssl made its request for', async () => {
    const [key, csr] = [place.path('own.key'), place.path('own.csr')];
    const words = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=north'];
    execFileSync('openssl', [...words, '-keyout', key, '-out', csr], { stdio: 'ignore' });
    const file = answerFile('north');
    expectSuccess(await run('link', 'issue', '--request', csr, '--name', 'north', file));
    const without = await accept('north', file, '--yes');
    expect([without.code, refusalOf(without).hint]).toEqual([3, expect.stringContaining('--key')]);
    expectSuccess(await accept('north', file, '--yes', '--key', key));
  });

  it('has no renewal URL, unless --renew-at names its origin', async () => {
    const annotationsOf = (site: string) =>
      parse(readFileSync(place.path(site, 'links', `Secret-${site}.yaml`), 'utf8')).metadata.annotations;
    const plain = await answerFor('plain');
    const ended = expectSuccess(await accept('plain', plain, '--yes'));
    expect(Object.keys(annotationsOf('plain'))).toEqual(['linkgrant.dev/redemption-id']);
    expect(ended.stderr).toContain('make another request');
    const file = await answerFor('renewed');
    await expectRefused(
      await accept('renewed', file, '--yes', '--renew-at', 'https://elsewhere.example.com'),
      'renewed',
      3,
      'it has no renewal URL at https://elsewhere.example.com',
    );
    const path = await accept('renewed', file, '--yes', '--renew-at', `${service.url}/-/renew`);
    expect([path.code, refusalOf(path).error]).toEqual([2, expect.stringContaining('--renew-at cannot be')]);
    // The site trusts the CA of the service too, so that CA has to be confirmed as well.
    const renewAt = ['--renew-at', service.url, '--ca-sha256', siteCa()];
    await expectRefused(await accept('renewed', file, ...renewAt), 'renewed', 3, 'not named by --ca-sha256');
    expectSuccess(await accept('renewed', file, ...renewAt, '--ca-sha256', service.fingerprint));
    expect(annotationsOf('renewed')['linkgrant.dev/renewal-url']).toBe(`${service.url}/-/renew`);
    expectSuccess(
      await onSite('renewed', ['link', 'renew', 'renewed', '--dir', place.path('renewed', 'links'), '--yes']),
    );
    expectSuccess(await accept('renewed', file));
  });
});

describe('an answer file', () => {
  it('is not accepted before its CA is confirmed, and then can be', async () => {
    const file = await answerFor('careful');
    await expectRefused(await accept('careful', file), 'careful', 2, 'the CA of the answer was not compared');
    const wrong = 'AA:'.repeat(32).slice(0, -1);
    await expectRefused(await accept('careful', file, '--ca-sha256', wrong), 'careful', 3, '--ca-sha256');
    const short = await accept('careful', file, '--ca-sha256', 'aabb');
    expect([short.code, refusalOf(short).hint]).toEqual([2, expect.stringContaining('64 hex digits')]);
    expectSuccess(await accept('careful', file, '--ca-sha256', siteCa().replaceAll(':', '').toLowerCase()));
    const grouped = siteCa().replaceAll(/(..):(..):?/g, '$1$2 ');
    expectSuccess(await accept('grouped', await answerFor('grouped'), '--ca-sha256', grouped));
  });

  it('of another CA is refused, also beside the CA that the user expects', async () => {
    const file = answerFile('foreign');
    const line = await request('foreign');
    expectSuccess(await other.run('link', 'issue', '--request', line, '--name', 'foreign', file));
    await expectRefused(await accept('foreign', file, '--ca-sha256', siteCa()), 'foreign', 3, '--ca-sha256');
    const both = changed(file, ({ data }) => {
      const own = readFileSync(`${dataDir}/issuers/skupper-site-ca/tls.crt`, 'utf8');
      const theirs = Buffer.from(data['ca.crt'] ?? '', 'base64').toString();
      data['ca.crt'] = Buffer.from(own + theirs).toString('base64');
    });
    await expectRefused(await accept('foreign', both, '--ca-sha256', siteCa()), 'foreign', 3, '--ca-sha256');
  });

  it('for the request of another site, or for a deleted request, is refused', async () => {
    const file = await answerFor('south');
    await request('stranger');
    const ended = await accept('stranger', file, '--yes');
    await expectRefused(ended, 'stranger', 3, 'The answer is for another request: no request in');
    expect(refusalOf(ended).hint).toContain('link request --list');
    expectSuccess(await onSite('south', ['link', 'request', '--delete', '--subject', 'south']));
    await expectRefused(await accept('south', file, '--yes'), 'south', 3, 'no request in');
  });

  it('with another certificate for the same request is refused after the first one was accepted', async () => {
    const first = await answerFor('twice');
    const second = answerFile('second');
    const line = await request('twice');
    expectSuccess(await run('link', 'issue', '--request', line, '--name', 'twice-2', second));
    expectSuccess(await accept('twice', first, '--yes'));
    const ended = await accept('twice', second, '--yes');
    expect([ended.code, refusalOf(ended).error]).toEqual([
      3,
      'The answer cannot be used: another answer for this request was accepted before.',
    ]);
  });

  it('whose link name is occupied is refused, and the hint does not name flags that the command lacks', async () => {
    const file = await answerFor('occupied');
    expectSuccess(await accept('occupied', file, '--yes'));
    const ended = await onSite('occupier', ['link', 'request', '--subject', 'occupier', '--line']);
    const another = answerFile('occupier');
    const words = ['--request', ended.stdout.trim(), '--name', 'occupier', another];
    expectSuccess(await run('link', 'issue', ...words));
    writeFileSync(another, readFileSync(another, 'utf8').replaceAll('"occupier"', '"occupied"'));
    const to = ['--to', place.path('occupied', 'links'), '--yes'];
    const refused = await onSite('occupier', ['link', 'accept', another, ...to]);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('belongs to another redemption'),
    ]);
    expect(refused.stderr).toMatch(/^hint: move the existing resource away, or ask for an answer/m);
  });

  it.each([
    ['a changed certificate', (data: Record<string, string>) => flip(data, 'tls.crt'), 'its '],
    ['the key of another certificate', addKey, 'it contains a private key'],
    ['itself as its authority', selfTrust, 'does not verify against its ca.crt'],
    ['no certificate', (data: Record<string, string>) => delete data['tls.crt'], 'its Secret has no tls.crt'],
  ])('with %s is refused', async (what, change, reason) => {
    const site = what.replaceAll(' ', '-');
    const file = changed(await answerFor(site), ({ data }) => void change(data));
    await expectRefused(await accept(site, file, '--yes'), site, 3, reason);
  });

  it('that is large, not YAML, or takes a parser long is refused', async () => {
    await request('bombed');
    const texts = {
      long: `a: ${'x'.repeat(300_000)}`,
      tabs: '\t{',
      bomb: yamlBomb('opening brackets', 200_000),
      aliases: yamlBomb('empty flow mappings', 200_000),
    };
    for (const [name, text] of Object.entries(texts)) {
      const file = answerFile(name);
      writeFileSync(file, text);
      await expectRefused(await accept('bombed', file, '--yes'), 'bombed', 3, 'The answer cannot be used');
    }
    const missing = await accept('bombed', answerFile('missing'), '--yes');
    expect([missing.code, refusalOf(missing).error]).toEqual([1, expect.stringContaining('cannot be read')]);
  });
});

describe('link issue', () => {
  it('ignores the rule for source addresses, and obeys all other rules of a grant', async () => {
    const line = await request('ruled');
    const issue = (grant: string, ...words: readonly string[]) =>
      run('link', 'issue', '--request', line, '--grant', grant, ...words);
    const create = async (name: string, ...rules: readonly string[]) =>
      expectSuccess(await run('grant', 'create', name, ...rules));
    await create('sourced', '--source-cidrs', '192.0.2.0/24');
    expectSuccess(await issue('sourced'));
    await create('named', '--subjects', 'x*');
    const subject = await issue('named');
    expect([subject.code, refusalOf(subject).error]).toEqual([
      2,
      'the link was not issued: grant "named" does not allow the subject "ruled"',
    ]);
    expectSuccess(await issue('named', '--subject', 'x-ruled'));
    await create('typed', '--key-types', 'rsa');
    expect(refusalOf(await issue('typed')).error).toContain('does not allow keys of this type');
    const exhausted = await request('late');
    const late = await run('link', 'issue', '--request', exhausted, '--grant', 'sourced');
    expect([late.code, refusalOf(late).error]).toEqual([
      1,
      'the link was not issued: grant "sourced" has no use left',
    ]);
    const events = await report('ledger', 'list', '--grant', 'named');
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'refused', code: 'policy_subject', subject: 'ruled' }),
      ]),
    );
  });

  it('issues no link again for a request whose link or id was revoked, and names the next step', async () => {
    await answerFor('ended');
    const [{ id, jti }] = await report('redemption', 'list', '--grant', 'ended');
    expectSuccess(await run('redemption', 'revoke', id));
    const line = await request('ended');
    const again = await run('link', 'issue', '--request', line, '--name', 'ended');
    expect([again.code, refusalOf(again).error]).toEqual([
      1,
      'the link was not issued: the link of this request was revoked',
    ]);
    expect(refusalOf(again).hint).toContain('create a new one');
    expectSuccess(await run('grant', 'create', 'reserve'));
    expectSuccess(await run('token', 'revoke', jti, '--grant', 'reserve'));
    const revoked = await run('link', 'issue', '--request', line, '--grant', 'reserve');
    expect(refusalOf(revoked).error).toBe('the link was not issued: the use of this request was revoked');
  });

  it('counts one use if ten operators answer one request at the same time', async () => {
    const line = await request('many');
    expectSuccess(await run('grant', 'create', 'many', '--redemptions-allowed', '5'));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => run('link', 'issue', '--request', line, '--grant', 'many')),
    );
    expect(new Set(answers.map((ended) => expectSuccess(ended).stdout)).size).toBe(1);
    expect(await report('grant', 'show', 'many')).toMatchObject({ redemptions: 1 });
  });

  it('creates no grant and writes no file for a join line, an occupied file, or an existing grant', async () => {
    const { stdout: joinLine } = expectSuccess(await run('token', 'issue', '--name', 'taken'));
    const wrong = await run('link', 'issue', '--request', joinLine.trim());
    expect([wrong.code, refusalOf(wrong).error]).toEqual([2, expect.stringContaining('it is a join line')]);
    const occupied = place.path('my-file');
    writeFileSync(occupied, 'my file');
    const line = await request('careless');
    const refused = await run('link', 'issue', '--request', line, '--name', 'careless', occupied);
    expect([refused.code, readFileSync(occupied, 'utf8')]).toEqual([1, 'my file']);
    const grants: { name: string }[] = await report('grant', 'list');
    expect(grants.filter(({ name }) => name === 'careless')).toEqual([]);
    const taken = await run('link', 'issue', '--request', line, '--name', 'taken');
    expect([taken.code, refusalOf(taken).error]).toEqual([2, expect.stringContaining('taken')]);
    rmSync(occupied);
  });
});

function flip(data: Record<string, string>, key: string): void {
  const der = Buffer.from(data[key] ?? '', 'base64').toString();
  // In the last bytes, which are those of the signature.
  const changedPem = der.replace(/(.)(.{6}\n-----END)/s, (_, one, rest) => (one === 'A' ? 'B' : 'A') + rest);
  data[key] = Buffer.from(changedPem).toString('base64');
}

function addKey(data: Record<string, string>): void {
  const pem = newKey().export({ type: 'pkcs8', format: 'pem' }).toString();
  data['tls.key'] = Buffer.from(pem).toString('base64');
}

function selfTrust(data: Record<string, string>): void {
  data['ca.crt'] = data['tls.crt'] ?? '';
}
