import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { decodeRequestLine } from '../../../src/codes/request-line.js';
import { expectSuccess, json, linkgrant, refusalOf, Workplace } from '../../support/command-line.js';
import { releaseAfterTest } from '../../support/release.js';

let place: Workplace;
let dataDir: string;

beforeEach(() => {
  place = releaseAfterTest(new Workplace());
  dataDir = place.path('data');
});

const request = (...words: readonly string[]) =>
  linkgrant(['link', 'request', '--data-dir', dataDir, ...words]);

/** What `openssl req` prints about a request. */
const openssl = (input: string | Uint8Array, ...words: readonly string[]) =>
  execFileSync('openssl', ['req', '-noout', ...words], {
    input,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString();

/** The SHA-256 of the public key, as the command prints it. */
function fingerprint(pem: string): string {
  const spki = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'DER'], {
    input: openssl(pem, '-pubkey'),
  });
  const hex = execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: spki }).toString().slice(0, 64);
  return (hex.toUpperCase().match(/../g) ?? []).join(':');
}

describe('link request', () => {
  it('prints a PKCS#10 request, the fingerprint of its key, and what to do next; a repetition prints the same', async () => {
    const first = await request('--subject', 'east');
    expectSuccess(first);
    expect(openssl(first.stdout, '-subject', '-nameopt', 'RFC2253')).toBe('subject=CN=east\n');
    expect(first.stderr).toContain(`Key SHA-256 ${fingerprint(first.stdout)}\n`);
    expect(first.stderr).toContain('linkgrant token issue --request - with this request on standard input\n');
    expect(first.stderr).toContain(`linkgrant join LINE --data-dir ${dataDir}, with --to DIRECTORY`);
    expect(first.stderr).toContain('Without a network between them: linkgrant link issue there');
    expect((await request('--subject', 'east')).stdout).toBe(first.stdout);
    expect(first.stdout).not.toContain('PRIVATE KEY');
    const [file = ''] = readdirSync(place.path('data', 'requests'));
    expect(statSync(place.path('data', 'requests', file)).mode & 0o777).toBe(0o600);
  });

  it('prints the request as one word, with a QR code on standard error', async () => {
    const { stdout: pem } = await request('--subject', 'east');
    const { stdout: line, stderr } = await request('--subject', 'east', '--line', '--qr');
    const der = execFileSync('openssl', ['req', '-outform', 'DER'], { input: pem });
    expect(Buffer.from(decodeRequestLine(line))).toEqual(der);
    expect(stderr).toContain('█▀▀▀');
  });

  it('writes the request to a file, and replaces only a request', async () => {
    const file = place.path('request.pem');
    expectSuccess(await request(file, '--subject', 'east'));
    expectSuccess(await request(file, '--subject', 'west'));
    expect(openssl(readFileSync(file), '-subject', '-nameopt', 'RFC2253')).toBe('subject=CN=west\n');
    writeFileSync(file, 'my file');
    const refused = await request(file, '--subject', 'north');
    expect([refused.code, refusalOf(refused).error]).toEqual([1, expect.stringContaining('it exists')]);
    expect(readFileSync(file, 'utf8')).toBe('my file');
    expect((await request('--list')).stdout).not.toContain('north');
  });

  it('writes the line to a file again, but replaces no file with a private key', async () => {
    const file = place.path('request.txt');
    expectSuccess(await request(file, '--subject', 'east', '--line'));
    expectSuccess(await request(file, '--subject', 'west', '--line'));
    const { stdout: line } = await request('--subject', 'west', '--line');
    expect(readFileSync(file, 'utf8')).toBe(line);
    const [waiting = ''] = readdirSync(place.path('data', 'requests'));
    const withKey = readFileSync(place.path('data', 'requests', waiting), 'utf8');
    writeFileSync(file, withKey);
    expect((await request(file, '--subject', 'west')).code).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe(withKey);
  });

  it('lists the waiting requests, and deletes one', async () => {
    expect((await request('--list')).stdout).toBe('No request waits for a token.\n');
    for (const subject of ['east', 'Größe 7']) await request('--subject', subject);
    const listed = json(await request('--list', '-o', 'json')) as { subject: string }[];
    expect(listed.map(({ subject }) => subject).sort()).toEqual(['Größe 7', 'east']);
    expect((await request('--list')).stdout).toMatch(/^SUBJECT {2,}KEY SHA-256\n/);
    const deleted = json(await request('--delete', '--subject', 'east', '-o', 'json'));
    expect(deleted).toEqual({ subject: 'east', deleted: true });
    const again = await request('--delete', '--subject', 'east');
    expect([again.code, refusalOf(again).error]).toEqual([
      2,
      `no request of "east" waits in ${place.path('data', 'requests')}`,
    ]);
    expect(json(await request('--list', '-o', 'json'))).toMatchObject([{ subject: 'Größe 7' }]);
  });

  it.each([
    ['a subject of 65 characters', ['--subject', 'x'.repeat(65)], /at most 64 characters/],
    ['an empty subject', ['--subject', ''], /--subject is not valid/],
    ['two actions', ['--list', '--delete'], /cannot be combined/],
    ['a file for a list', ['x.pem', '--list'], /write no request/],
    ['a subject for a list', ['--list', '--subject', 'x'], /every waiting request/],
    ['a file and -o', ['x.pem', '-o', 'json'], /-o writes to standard output/],
  ])('refuses %s, and stores nothing', async (_what, words, message) => {
    const refused = await request(...words);
    expect([refused.code, refusalOf(refused).error]).toEqual([2, expect.stringMatching(message)]);
    expect(readdirSync(place.path())).toEqual([]);
  });
});
