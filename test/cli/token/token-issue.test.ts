import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { openAcceptingSite } from '../../support/accepting-site.js';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  linkgrant,
  type RunOptions,
} from '../../support/command-line.js';

const { place, dataDir, service, run, report } = await openAcceptingSite([
  ...ENDPOINT,
  ...['--endpoint', 'edge=router.example.com:45671'],
]);

const issue = (words: readonly string[], options?: RunOptions) =>
  linkgrant(['token', 'issue', ...words, '--data-dir', dataDir], options);

const grants = async () =>
  (await report('grant', 'list')).map(({ name }: { name: string }) => name) as string[];

/** Parses a document, and expects that YAML 1.1 and YAML 1.2 agree. */
function read(text: string) {
  const modern = parse(text, { version: '1.2' });
  expect(parse(text, { version: '1.1' })).toEqual(modern);
  return modern;
}

describe('token issue', () => {
  it('names --subject in the next step if a rule of the grant limits the subjects', async () => {
    const file = place.path('ruled.yaml');
    const { stderr } = expectSuccess(await issue([file, '--name', 'ruled', '--subjects', 'paris,lyon-*']));
    expect(stderr).toContain('`linkgrant token redeem ruled.yaml --subject SITE`');
  });

  it('writes an AccessToken readable only by its owner, with annotations, and prints its contents', async () => {
    const file = place.path('token.yaml');
    const { stdout, stderr } = expectSuccess(await issue([file, '--name', 'west', '--link-cost', '7']));
    expect(stdout).toBe('');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    const token = read(text);
    const { uid, expirationTime } = await report('grant', 'show', 'west');
    expect(token).toEqual({
      apiVersion: 'skupper.io/v2alpha1',
      kind: 'AccessToken',
      metadata: {
        name: 'west',
        annotations: {
          'linkgrant.dev/expiration-time': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          'linkgrant.dev/redemptions-allowed': '1',
        },
      },
      spec: {
        url: `${service.url}/${uid}`,
        code: expect.stringMatching(/^[A-Za-z0-9]{24}$/),
        ca: readFileSync(`${dataDir}/issuers/linkgrant-server-ca/tls.crt`, 'utf8'),
        linkCost: 7,
      },
    });
    const end = token.metadata.annotations['linkgrant.dev/expiration-time'];
    expect(Math.abs(Date.parse(end) - Date.parse(expirationTime))).toBeLessThan(1000);
    expect(stderr.split('\n')).toEqual([
      `Token written to ${file}`,
      `Redeem at ${token.spec.url}`,
      'Links to inter-router router.example.com:55671, edge router.example.com:45671',
      `Can be redeemed once, until ${expirationTime}`,
      'The token is a secret: any site that has it can redeem it. Send it over a channel that you trust',
      expect.stringMatching(/`linkgrant token redeem token.yaml`/),
      '',
    ]);
    expect(stderr).not.toContain(token.spec.code);
  });

  it('creates a grant with a generated name and the given limits', async () => {
    const { stdout, stderr } = await issue(['-', '--redemptions-allowed', '3', '--expiration-window', '2h']);
    const { metadata } = read(stdout);
    expect(metadata.name).toMatch(/^link-[0-9a-f]{8}$/);
    expect(metadata.annotations['linkgrant.dev/redemptions-allowed']).toBe('3');
    expect(stderr).toContain('Can be redeemed 3 times, until ');
    expect(await grants()).toContain(metadata.name);
  });

  it('prints the two commands that issue several tokens, if --count has no --grant', async () => {
    const { error, hint } = expectRefusal(await linkgrant(['token', 'issue', '--count', '3']), 2);
    expect(error).toContain('--count need --grant');
    expect(hint).toMatch(
      /`linkgrant grant create NAME --redemptions-allowed N`, then repeat .* --grant NAME/,
    );
  });

  it('replaces a file atomically, and leaves no temporary file', async () => {
    const directory = place.path('replace');
    mkdirSync(directory);
    const file = `${directory}/token.yaml`;
    expect((await issue([file])).code).toBe(0);
    const before = readFileSync(file, 'utf8');
    chmodSync(file, 0o644);
    expect((await issue([file])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toBe(before);
    expect(readdirSync(directory)).toEqual(['token.yaml']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(read(readFileSync(file, 'utf8')).kind).toBe('AccessToken');
  });

  it('writes into an existing empty file', async () => {
    const file = place.path('made.yaml');
    writeFileSync(file, '');
    expect((await issue([file])).code).toBe(0);
    expect(read(readFileSync(file, 'utf8')).kind).toBe('AccessToken');
  });

  it('creates no directory', async () => {
    const ended = await issue([place.path('new', 'token.yaml')]);
    expect(expectRefusal(ended, 1).error).toContain(`there is no directory ${place.path('new')}`);
    expect(existsSync(place.path('new'))).toBe(false);
  });

  it('replaces no file but a token, and creates no grant if it refuses', async () => {
    const before = await grants();
    const at = (name: string) => place.path(`kept-${name}`);
    writeFileSync(at('file'), 'kind: ConfigMap\n');
    writeFileSync(at('target'), 'kind: AccessToken\n');
    symlinkSync(at('target'), at('link'));
    execFileSync('mkfifo', [at('pipe')]);
    const isRoot = process.getuid?.() === 0;
    if (isRoot) execFileSync('mknod', [at('device'), 'c', '1', '3']);
    for (const [name, reason] of [
      ['file', 'it exists and was not written by linkgrant'],
      ['link', 'it is a symbolic link'],
      ['pipe', 'it is not a regular file'],
      ...(isRoot ? [['device', 'it is not a regular file'] as const] : []),
    ] as const) {
      const was = lstatSync(at(name));
      const ended = await issue([at(name)]);
      expect(expectRefusal(ended, 1).error).toBe(`"${at(name)}" cannot be written: ${reason}`);
      expect([lstatSync(at(name)).mode, lstatSync(at(name)).ino]).toEqual([was.mode, was.ino]);
    }
    expect(readFileSync(at('file'), 'utf8')).toBe('kind: ConfigMap\n');
    expect(await grants()).toEqual(before);
  });

  it('leaves no grant if the file cannot be written', async () => {
    const before = await grants();
    const blocked = place.path('blocked');
    mkdirSync(blocked, { mode: 0o555 });
    const file = place.path('a-file');
    writeFileSync(file, '');
    for (const target of [place.directory, `${blocked}/token.yaml`, `${file}/token.yaml`]) {
      const ended = await issue([target, '--name', 'left-over'], { obeysPermissions: true });
      const { error, hint } = expectRefusal(ended, 1);
      expect(error).toContain(`"${target}" cannot be written`);
      expect(hint).toContain('- for standard output');
    }
    expect(await grants()).toEqual(before);
    expect(readdirSync(blocked)).toEqual([]);
  });

  it('writes another token of a grant whose code was stored by the user', async () => {
    const { code, uid } = await report('grant', 'create', 'kept', '--redemptions-allowed', '2');
    const codeFile = place.path('kept.code');
    writeFileSync(codeFile, `${code}\n`, { mode: 0o600 });
    const words = ['--grant', 'kept', '--code-file', codeFile, '--name', 'other', '--cost', '2'];
    const token = expectSuccess(await issue(['-', ...words]));
    expect(read(token.stdout)).toMatchObject({
      metadata: { name: 'other' },
      spec: { url: `${service.url}/${uid}`, code, linkCost: 2 },
    });
    const piped = await issue(['-', '--grant', uid, '--code-file', '-'], { input: `${code}\n` });
    expect(read(piped.stdout).spec.code).toBe(code);
  });

  it('refuses a code that is not that of the grant, and retains the grant', async () => {
    await run('grant', 'create', 'locked', '--token', place.path('locked.yaml'));
    const ended = await issue(['-', '--grant', 'locked', '--code-file', '-'], { input: 'x'.repeat(24) });
    expect(expectRefusal(ended, 1).error).toContain('the code is not that of grant "locked"');
    expect(ended.stdout).toBe('');
    expect(await grants()).toContain('locked');
  });

  it.each([
    [['t', '--link-cost', '0'], '--link-cost cannot be "0"'],
    [['t', '--link-cost', '-1'], '--link-cost cannot be "-1"'],
    [['t', '--name', 'Not_A_Name'], '--name cannot be "Not_A_Name"'],
    [['t', '--redemptions-allowed', '0'], '--redemptions-allowed cannot be "0"'],
    [['t', '-o', 'json'], "unknown option '-o'"],
    [['t', '--wait', 'now'], '--wait cannot be "now"'],
    [['t', '--print', 'pdf'], "'pdf' is invalid"],
  ])('refuses %j, and creates nothing', async (words, reason) => {
    const before = await grants();
    expect(expectRefusal(await issue(words, { cwd: place.directory }), 2).error).toContain(reason);
    expect(existsSync(place.path('t'))).toBe(false);
    expect(await grants()).toEqual(before);
  });
});
