import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { decodeJoinLine } from '../../../src/codes/join-line.js';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { expectRefusal, expectSuccess, linkgrant, refusalOf } from '../../support/command-line.js';
import { until } from '../../support/until.js';

const DEPLOY = resolve(import.meta.dirname, '../../../deploy/bootstrap');
const LINE = /lgj1_[0-9A-Za-z]+/;
const { place, data, run, redeem, report } = await openAcceptingSite();

const issue = (...words: readonly string[]) => run('token', 'issue', ...words);

async function printed(form: string, ...words: readonly string[]): Promise<string> {
  const { stdout, stderr } = expectSuccess(await issue('--print', form, ...words));
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^Next, on the other site: /);
  return stdout;
}

/** Fails if bash cannot parse the script. */
const checkShell = (script: string) => execFileSync('bash', ['-n'], { input: script });

describe('token issue --print', () => {
  it('--print command prints a join command that redeems the token', async () => {
    const command = await printed('command');
    checkShell(command);
    const [program, ...words] = command.trim().split(' ');
    expect(program).toBe('linkgrant');
    const cwd = place.path('run');
    mkdirSync(cwd);
    expectSuccess(await linkgrant([...words, '--data-dir', cwd], { cwd }));
    expect(readdirSync(resolve(cwd, 'links'))).toHaveLength(2);
  });

  it('--print kubectl prints a command that applies the AccessToken', async () => {
    const script = await printed('kubectl', '--name', 'applied');
    checkShell(script);
    // The stand-in for kubectl prints its input.
    const applied = execFileSync('bash', ['-c', `kubectl() { cat; }\n${script}`], { encoding: 'utf8' });
    expect(parse(applied)).toMatchObject({ kind: 'AccessToken', metadata: { name: 'applied' } });
    writeFileSync(place.path('applied.yaml'), applied);
    expect((await redeem(place.path('applied.yaml'), 'applied')).code).toBe(0);
  });

  it('--print job prints the Secret of the token and the resources of deploy/bootstrap/job.yaml', async () => {
    const [secret, ...rest] = parseAllDocuments(await printed('job', '--name', 'by-job', '--link-cost', '4'));
    const shipped = parseAllDocuments(readFileSync(`${DEPLOY}/job.yaml`, 'utf8'));
    expect(rest.map((document) => document.toJS())).toEqual(shipped.map((document) => document.toJS()));
    const { metadata, stringData } = secret?.toJS() ?? {};
    expect(metadata.name).toBe('linkgrant-token');
    expect(stringData).toMatchObject({ name: 'by-job', linkCost: '4', code: expect.any(String) });
    mkdirSync(place.path('mounted'));
    for (const [key, text] of Object.entries(stringData))
      writeFileSync(place.path('mounted', key), `${text}`);
    const words = ['--token', place.path('mounted'), '--to', place.path('by-job'), '--wait', 'configured'];
    expectSuccess(await linkgrant(['bootstrap', ...words, '--data-dir', place.path('by-job')]));
    expect(readFileSync(place.path('by-job', 'Link-by-job.yaml'), 'utf8')).toContain('cost: 4');
  });

  it('--print cloud-init prints user data that writes the line where the unit reads its token', async () => {
    const text = await printed('cloud-init');
    expect(text.startsWith('#cloud-config\n')).toBe(true);
    const [token] = parse(text).write_files;
    expect(token).toMatchObject({ path: '/etc/linkgrant/east/token.yaml', permissions: '0600' });
    writeFileSync(place.path('cloud'), token.content);
    const words = ['--token', place.path('cloud'), '--to', place.path('by-cloud'), '--wait', 'configured'];
    expectSuccess(await linkgrant(['bootstrap', ...words, '--data-dir', place.path('by-cloud')]));
  });

  it('--print quadlet prints a script that stores the line as a secret and installs the quadlet', async () => {
    const script = await printed('quadlet');
    checkShell(script);
    const stubs = `podman() { echo "$@"; cat; }; systemctl() { echo "$@"; }; HOME=${place.directory}\n`;
    const said = execFileSync('bash', ['-c', stubs + script], { encoding: 'utf8' });
    expect(said).toMatch(
      /^secret create --replace linkgrant-token-east -\nlgj1_[0-9A-Za-z]+\n--user daemon-reload\n/,
    );
    expect(typeof decodeJoinLine(said)).toBe('object');
    const installed = readFileSync(
      place.path('.config/containers/systemd/linkgrant-bootstrap.container'),
      'utf8',
    );
    expect(readFileSync(`${DEPLOY}/linkgrant-bootstrap.container`, 'utf8')).toContain(installed);
    expect(installed).toMatch(/^\[Unit\]/);
  });

  it('writes a line into a file that only its owner can read', async () => {
    const { code, stdout, stderr } = await issue(place.path('line.txt'), '--print', 'line');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(statSync(place.path('line.txt')).mode & 0o777).toBe(0o600);
    expect(stderr).not.toMatch(LINE);
    expect((await redeem(place.path('line.txt'), 'of-line')).code).toBe(0);
  });

  it('prints one line for each of many signed tokens', async () => {
    await run('grant', 'create', 'fleet', '--redemptions-allowed', '3');
    const { stdout } = await issue('--grant', 'fleet', '--count', '3');
    const lines = stdout.trimEnd().split('\n');
    expect(new Set(lines).size).toBe(3);
    for (const [index, line] of lines.entries()) expect((await redeem(line, `fleet-${index}`)).code).toBe(0);
  });

  it('refuses --count with --print job, --qr, --print line into a file, or --wait', async () => {
    for (const words of [['--print', 'job'], ['--qr'], [place.path('d'), '--print', 'line'], ['--wait']]) {
      const ended = await issue('--grant', 'fleet', '--count', '2', ...words);
      expect(ended.code, ended.stderr).toBe(2);
    }
    expect(readdirSync(place.directory)).not.toContain('d');
  });

  it('reports a code that is too long for a join line, and leaves no grant', async () => {
    const words = ['--code-file', '-', '--name', 'long', ...data];
    const input = randomBytes(2_500).toString('base64url');
    const ended = await linkgrant(['token', 'issue', ...words], { input });
    expect(refusalOf(ended).error).toBe('the code of this token is too long for a join line');
    expect((await run('grant', 'show', 'long')).code).toBe(1);
  });
});

describe('token issue --qr', () => {
  it('draws the line as a QR code that a scanner reads', async () => {
    const { stdout, stderr } = await issue('--qr');
    const drawn = stderr.split('\n').filter((line) => /^[ █▀▄]+$/.test(line));
    expect(Math.max(...drawn.map((line) => line.length))).toBeLessThanOrEqual(80);
    writeFileSync(place.path('qr.pgm'), bitmapOf(drawn));
    const scanned = execFileSync('zbarimg', ['--nodbus', '--quiet', '--raw', place.path('qr.pgm')], {
      encoding: 'utf8',
    });
    expect(scanned.trim()).toBe(stdout.trim());
  });
});

/** A drawing of half blocks, light on dark, as a PGM image with 4 pixels for each module. */
function bitmapOf(lines: readonly string[]): string {
  const rows = lines.flatMap((line) => [
    [...line].map((block) => '█▀'.includes(block)),
    [...line].map((block) => '█▄'.includes(block)),
  ]);
  const pixels = rows.flatMap((row) => Array(4).fill(row.flatMap((light) => Array(4).fill(light ? 255 : 0))));
  return `P2\n${pixels[0].length} ${pixels.length}\n255\n${pixels.map((row) => row.join(' ')).join('\n')}\n`;
}

describe('token issue --wait', () => {
  it('ends when the site has redeemed the token, and reports the refusals before', async () => {
    const file = place.path('awaited');
    const waiting = issue(file, '--print', 'line', '--wait', '--names', 'right');
    await until(() => readdirSync(place.directory).includes('awaited'));
    const refused = await redeem(file, 'awaiting', '--subject', 'east', '--name', 'wrong');
    expect(refused.code).toBe(3);
    expectSuccess(await redeem(file, 'awaiting', '--subject', 'east', '--name', 'right'));
    const { stderr } = expectSuccess(await waiting);
    expect(stderr).toContain('Refused "east" from 127.0.0.1: policy_name\nhint: ');
    expect(stderr).toContain('Redeemed by "east" from 127.0.0.1: link "right"\n');
  });

  it('waits for this token, not for another one of the grant', async () => {
    await run('grant', 'create', 'shared', '--redemptions-allowed', '5');
    const other = (await issue('--grant', 'shared')).stdout.trim();
    const file = place.path('shared-line');
    const waiting = issue(file, '--print', 'line', '--grant', 'shared', '--wait=1m');
    await until(() => readdirSync(place.directory).includes('shared-line'));
    expect((await redeem(other, 'other', '--subject', 'other')).code).toBe(0);
    expect((await redeem(file, 'this', '--subject', 'this')).code).toBe(0);
    const { code, stderr } = await waiting;
    expect({ code, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      code: 0,
      last: 'Redeemed by "this" from 127.0.0.1: link "shared"',
    });
  });

  it('exits with 4 after its time limit, and the token stays valid', async () => {
    const ended = await issue(place.path('late'), '--name', 'late', '--wait=100ms');
    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('it can still be redeemed');
    expect((await redeem(place.path('late'), 'late-site')).code).toBe(0);
  });

  it('exits with 3 when the grant is revoked or the token has expired', async () => {
    const waiting = issue(place.path('revoked'), '--name', 'revoked', '--wait');
    await until(() => readdirSync(place.directory).includes('revoked'));
    await run('grant', 'revoke', 'revoked');
    expect((await waiting).code).toBe(3);
    expect((await issue(place.path('ended'), '--expiration-window', '1s', '--wait')).code).toBe(3);
  });

  it('--wait is refused with --signing-key, which does not use the service', async () => {
    const ended = await linkgrant(['token', 'issue', '--signing-key', '-', '--wait'], { input: '{}' });
    expect(expectRefusal(ended, 2).hint).toBe('omit --wait');
  });
});

describe('the next step that token issue prints', () => {
  beforeAll(async () => {
    expectSuccess(await run('grant', 'create', 'branches', '--redemptions-allowed', '9'));
  });

  it.each([
    { file: 'tokens', words: ['--grant', 'branches', '--count', '3'], token: 'tokens/branches-1.yaml' },
    { file: 'branch.yaml', words: ['--grant', 'branches'], token: 'branch.yaml' },
    { file: 'line', words: ['--grant', 'branches', '--print', 'line'], token: 'line' },
    { file: 'several.yaml', words: ['--redemptions-allowed', '3'], token: 'several.yaml' },
  ])('gives each site its own subject after $words', async ({ file, words, token }) => {
    const { stderr } = expectSuccess(await issue(place.path(file), ...words));
    const [, flag] = /^Next, .*`linkgrant token redeem \S+ (--\S+) SITE`.*SITE is/m.exec(stderr) ?? [];
    expectSuccess(await redeem(place.path(token), `site of ${file}`, `${flag}`, `site of ${file}`));
    const redemptions: { subject: string }[] = await report('redemption', 'list');
    expect(redemptions.map(({ subject }) => subject)).toContain(`site of ${file}`);
  });

  it.each([[['--grant', 'branches', '--subject', 'berlin']], [['--name', 'single-use']]])(
    'requests no subject after %j, because the token is for one site',
    async (words) => {
      const { stderr } = expectSuccess(await issue(place.path(`${words.at(-1)}.yaml`), ...words));
      expect(stderr).toMatch(/^Next, on the other site: .*`linkgrant token redeem \S+`/m);
    },
  );

  it('requests a subject for each of several join lines', async () => {
    const { stderr } = expectSuccess(await issue('--grant', 'branches', '--count', '2'));
    expect(stderr).toContain('run `linkgrant join LINE --subject SITE` with this line');
  });
});
