import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { expectRefusal, expectSuccess, linkgrant, refusalOf } from '../../support/command-line.js';
import { inspect, openSignedTokenSite, read } from './signed-token-site.js';

const { dataDir, hub, issue, listed, place, redeem, run, service, shown } = await openSignedTokenSite();

describe('token issue --grant', () => {
  it('writes a signed token readable only by its owner, within the limits of its grant, and prints its contents', async () => {
    const { uid, expirationTime } = await hub('plain');
    const file = place.path('plain.yaml');
    const { stdout, stderr } = await run(['token', 'issue', file, '--grant', 'plain', '--link-cost', '7']);
    expect(stdout).toBe('');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { metadata, spec } = read(file);
    expect(spec).toMatchObject({ url: `${service.url}/${uid}`, linkCost: 7 });
    expect(spec.code).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
    const end = expirationTime.replace('Z', '.000Z');
    expect(metadata).toEqual({
      name: 'plain',
      annotations: { 'linkgrant.dev/expiration-time': end, 'linkgrant.dev/redemptions-allowed': '1' },
    });
    const { signed } = await inspect(file);
    expect(stderr.split('\n')).toEqual([
      `Token ${signed.id} written to ${file}`,
      `Redeem at ${spec.url}`,
      `Can be redeemed once, until ${expirationTime}`,
      'Links to inter-router router.example.com:55671',
      'Grant "plain" has 10 redemptions left, for all its tokens together',
      'The token is a secret: any site that has it can redeem it. Send it over a channel that you trust',
      `Revoke with \`linkgrant token revoke ${signed.id} --grant plain -n default --data-dir ${dataDir}\``,
      expect.stringContaining('`linkgrant token redeem plain.yaml --subject SITE`'),
      '',
    ]);
    expect(await listed('--grant', 'plain')).toEqual([
      {
        ...{ id: signed.id, grant: 'plain', namespace: 'default', grantUid: uid, state: 'ready' },
        ...{ redemptions: 0, redemptionsAllowed: 1, expirationTime, issuedAt: expect.any(String) },
      },
    ]);
  });

  it('does not store the claims or signature of a token', async () => {
    await hub('kept');
    const [, claims, signature] = read(await issue('kept')).spec.code.split('.');
    const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    for (const { parentPath, name } of files) {
      const content = readFileSync(join(parentPath, name)).toString('latin1');
      expect(content.includes(signature) || content.includes(claims), name).toBe(false);
    }
  });

  it('sets its own limits, name and subject, and expires with its grant at the latest; the certificate has the subject', async () => {
    const { expirationTime } = await hub('limits');
    const own = ['--redemptions-allowed', '3', '--expiration-window', '5m', '--subject', 'Größe 7'];
    const file = await issue('limits', ...own, '--name', 'to-hub');
    expect(read(file).metadata).toMatchObject({
      name: 'to-hub',
      annotations: { 'linkgrant.dev/redemptions-allowed': '3' },
    });
    const { signed, ...report } = await inspect(file);
    expect(signed).toMatchObject({ redemptionsAllowed: 3, subject: 'Größe 7' });
    expect(signed.expirationTime).toBe(report.expirationTime);
    expect(Date.parse(signed.expirationTime) - Date.parse(signed.issuedAt)).toBeLessThanOrEqual(5 * 60_000);
    expect(Date.parse(signed.expirationTime) - Date.parse(signed.issuedAt)).toBeGreaterThan(
      5 * 60_000 - 2_000,
    );
    const redeemed = expectSuccess(await redeem(file));
    expect(redeemed.stdout + redeemed.stderr).toContain('The certificate of "Größe 7"');
    const longer = await inspect(await issue('limits', '--expiration-window', '9d'));
    expect(longer.signed.expirationTime).toBe(expirationTime);
  });

  it('creates several tokens in a directory, and never replaces an existing file', async () => {
    await hub('many');
    const directory = place.path('many');
    const many = ['token', 'issue', directory, '--grant', 'many', '--name', 'to-hub'];
    await run([...many, '--count', '3']);
    const first = readFileSync(join(directory, 'to-hub-2.yaml'), 'utf8');
    const { stderr } = await run([...many, '--count', '2']);
    expect(readdirSync(directory).sort()).toEqual([1, 2, 3, 4, 5].map((n) => `to-hub-${n}.yaml`));
    expect(readFileSync(join(directory, 'to-hub-2.yaml'), 'utf8')).toBe(first);
    expect(stderr.match(/^Token [0-9a-f]{24} written to /gm)).toHaveLength(2);
    expect(stderr).toContain(
      'copy one of these AccessTokens, then run `linkgrant token redeem FILE --subject SITE`',
    );
    const ids = (await listed('--grant', 'many')).map(({ id }: { id: string }) => id);
    expect(new Set(ids).size).toBe(5);
    expect(statSync(join(directory, 'to-hub-5.yaml')).mode & 0o777).toBe(0o600);
  });

  it('revokes a token that it could not write', async () => {
    await hub('unwritten');
    const blocked = place.path('blocked');
    mkdirSync(blocked, { mode: 0o555 });
    const ended = await run(['token', 'issue', `${blocked}/t.yaml`, '--grant', 'unwritten'], {
      ends: 1,
      obeysPermissions: true,
    });
    expect(refusalOf(ended).error).toContain('cannot be written');
    expect(await listed('--grant', 'unwritten')).toMatchObject([{ state: 'revoked' }]);
  });

  it('refuses a subject that the rules of the grant do not allow', async () => {
    await run(['grant', 'create', 'ruled', '--subjects', 'paris,lyon-*']);
    const issue = (subject: string, ends: number) =>
      run(['token', 'issue', place.path(`${subject}.yaml`), '--grant', 'ruled', '--subject', subject], {
        ends,
      });
    expect(refusalOf(await issue('berlin', 2)).error).toBe(
      'grant "ruled" does not allow the subject "berlin", so the token could not be redeemed',
    );
    expect(await listed('--grant', 'ruled')).toEqual([]);
    await issue('lyon-2', 0);
  });

  beforeAll(() => hub('refused'));

  it.each([
    [['--redemptions-allowed', '11'], 1, 'a token cannot allow more'],
    [['--redemptions-allowed', '0'], 2, '--redemptions-allowed cannot be "0"'],
    [['--expiration-window', 'soon'], 2, '--expiration-window cannot be "soon"'],
    [['--expiration-window', '1ms'], 1, 'within the second'],
    [['--subject', 'a\nb'], 2, '--subject is not valid'],
    [['--name', 'Not_A_Name'], 2, '--name cannot be "Not_A_Name"'],
    [['--issuer', 'skupper-site-ca'], 2, 'cannot be combined with --grant: grant "refused" has its own'],
    [['--count', '1001'], 2, 'at most 1000 tokens'],
    [['--count', '2', '--print', 'job'], 2, '--count issues AccessTokens in a directory, or join lines'],
    [
      ['--code-file', 'f', '--redemptions-allowed', '2'],
      2,
      'a token with --code-file has the limits of grant',
    ],
    [['--code-file', 'f', '--subject', 'a'], 2, 'a token with --code-file has the limits of grant'],
  ])('refuses %j, and creates nothing', async (words, ends, reason) => {
    const file = place.path('refused.yaml');
    const ended = await run(['token', 'issue', file, '--grant', 'refused', ...words], { ends });
    expect(refusalOf(ended).error).toContain(reason);
    expect(existsSync(file)).toBe(false);
    expect(await listed('--grant', 'refused')).toEqual([]);
  });

  it('refuses an expired, revoked or unknown grant', async () => {
    await hub('short', '--expiration-window', '1s');
    await hub('gone');
    await run(['grant', 'revoke', 'gone']);
    const refused = async (grant: string) =>
      refusalOf(await run(['token', 'issue', '-', '--grant', grant], { ends: 1 })).error;
    // Until the grant has expired, the command succeeds.
    const expired = async () => expect(await refused('short')).toContain('grant "short" is expired');
    await vi.waitFor(expired, { timeout: 60_000, interval: 100 });
    expect(await refused('gone')).toContain('grant "gone" is revoked');
    expect(await refused('nobody')).toContain('there is no grant "nobody"');
  });

  it('refuses flags of a signed token if it creates a grant', async () => {
    for (const words of [
      ['--subject', 'a'],
      ['--count', '2'],
    ]) {
      const ended = await run(['token', 'issue', '-', ...words], { ends: 2 });
      expect(refusalOf(ended).hint).toContain('--grant');
    }
  });

  it('refuses a data directory without the keys of the service', async () => {
    await hub('foreign');
    const elsewhere = place.path('elsewhere');
    const words = [
      ...['--grant', 'foreign', '--data-dir', elsewhere],
      ...['--store', `sqlite:${join(dataDir, 'linkgrant.db')}`],
    ];
    expect(expectRefusal(await linkgrant(['token', 'issue', '-', ...words]), 2).hint).toContain('--data-dir');
    expect(existsSync(join(elsewhere, 'code-keys'))).toBe(false);
  });
});

describe('a signed token', () => {
  it('token inspect prints the claims of a signed token, and not its code', async () => {
    await hub('inspected');
    const file = await issue('inspected', '--subject', 'east', '--redemptions-allowed', '2');
    const { stdout } = await linkgrant(['token', 'inspect', file]);
    const { code } = read(file).spec;
    expect(stdout).toMatch(/^Token id: +[0-9a-f]{24}$/m);
    expect(stdout).toMatch(/^For subject: +east$/m);
    expect(stdout).toMatch(/^Uses: +2$/m);
    const texts = [stdout, (await linkgrant(['token', 'inspect', file, '-o', 'json', '--check'])).stdout];
    for (const text of texts) for (const part of code.split('.')) expect(text).not.toContain(part);
    // Another program may create a token without annotations.
    const bare = place.path('bare.yaml');
    const { metadata, ...rest } = read(file);
    writeFileSync(bare, JSON.stringify({ ...rest, metadata: { name: metadata.name } }));
    expect((await linkgrant(['token', 'inspect', bare])).stdout).toMatch(/^Uses: +2$/m);
  });
});

describe('token list', () => {
  it('lists the tokens of one grant, of a namespace, or of all', async () => {
    await hub('listed');
    await hub('listed', '-n', 'west');
    await issue('listed', '--subject', 'east');
    await issue('listed', '-n', 'west');
    const of = async (...words: readonly string[]) =>
      (await listed(...words)).map(
        ({ namespace, grant }: { namespace: string; grant: string }) => `${namespace}/${grant}`,
      );
    expect(await of('--grant', 'listed')).toEqual(['default/listed']);
    expect(await of('-n', 'west')).toEqual(['west/listed']);
    expect(await of('-A')).toEqual(expect.arrayContaining(['default/listed', 'west/listed']));
    const { stdout } = await run(['token', 'list', '--grant', 'listed']);
    expect(stdout).toMatch(
      /^ID +GRANT +STATE +REDEMPTIONS +EXPIRATION +SUBJECT +FOR KEY\n[0-9a-f]{24} +listed +ready +0\/1 .* east +-\n$/,
    );
    const yaml = await run(['token', 'list', '--grant', 'listed', '-o', 'yaml']);
    expect(parse(yaml.stdout)).toMatchObject([{ grant: 'listed', subject: 'east' }]);
    expect((await run(['token', 'list', '-n', 'nowhere'])).stdout).toBe(
      'There are no signed tokens in namespace "nowhere"; -A lists those of all namespaces.\n',
    );
  });

  it('shows no expiry after that of the grant', async () => {
    await hub('shortened');
    await issue('shortened');
    const [before] = await listed('--grant', 'shortened');
    await run(['grant', 'update', 'shortened', '--expiration-window', '1h']);
    const { expirationTime } = await shown('shortened');
    expect(expirationTime < before.expirationTime).toBe(true);
    expect(await listed('--grant', 'shortened')).toMatchObject([{ id: before.id, expirationTime }]);
    await run(['grant', 'update', 'shortened', '--expiration-window', '3h']);
    expect(await listed('--grant', 'shortened')).toMatchObject([before]);
  });
});
