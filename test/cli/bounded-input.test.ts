import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../src/domain/access-token.js';
import { expectRefusal, expectSuccess, linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';
import { issuingServerForTest } from '../support/servers/issuing-server.js';
import { copySite } from '../support/sites/system-site.js';

const place = releaseAfterFile(new Workplace());

const data = ['--data-dir', place.path('data')];
const to = ['--to', place.path('links')];

/** Creates a named pipe without a writer. */
function makePipe(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  execFileSync('mkfifo', [file]);
  return file;
}

describe('endless input', () => {
  it.each([
    ['a token to redeem', ['token', 'redeem', '/dev/zero', ...to, ...data], 1],
    ['a token to inspect', ['token', 'inspect', '/dev/zero'], 1],
    ['a token of a bootstrap', ['bootstrap', '--token', '/dev/zero', ...to, ...data], 1],
    ["a proxy's Secret", ['token', 'redeem', '-', '--proxy-secret', '/dev/zero', ...to, ...data], 2],
  ])('refuses an endless device: %s', async (_what, words, code) => {
    expect(expectRefusal(await linkgrant(words), code).error).toContain('it is not a regular file');
  });

  it('refuses an endless pipe after 1 MiB', async () => {
    const pipe = makePipe(place.path('endless.pipe'));
    const writer = spawn('sh', ['-c', `exec cat /dev/zero > '${pipe}'`]);
    const ended = await linkgrant(['token', 'inspect', pipe]);
    writer.kill();
    expect(expectRefusal(ended, 1).error).toBe(
      `the token file cannot be read: ${pipe}: it is longer than 1 MiB`,
    );
  });

  it('refuses standard input longer than 1 MiB', async () => {
    const ended = await linkgrant(['token', 'redeem', '-', ...to, ...data], {
      input: ' '.repeat(2 ** 20 + 1),
    });
    expect(expectRefusal(ended, 1).error).toBe('the token file cannot be read: it is longer than 1 MiB');
  });

  it('redeems the other tokens of an input directory that contains an endless one', async () => {
    const service = await issuingServerForTest('linkgrant');
    const east = copySite('east', place.path('skupper'));
    const file = east.path('input/resources/AccessToken-endless.yaml');
    symlinkSync('/dev/zero', file);
    writeFileSync(east.path('input/resources/AccessToken-good.yaml'), encodeAccessToken(service.token));
    const words = ['--platform', 'linux', '-n', 'east', '--skupper-home', east.home, ...data];
    const ended = await linkgrant(['token', 'redeem', '--input', ...words], { env: { PATH: '/nowhere' } });
    expect(ended.code).toBe(3);
    const error = `${file}: The token file cannot be read: it is not a regular file`;
    expect(refusalOf(ended).error).toContain(error);
    expect(readFileSync(east.path('input/resources/Link-my-link.yaml'), 'utf8')).toContain('my-link');
    expect(existsSync(east.path('input/resources/AccessToken-good.yaml'))).toBe(false);
  });
});

describe('a named pipe', () => {
  it('bootstrap reads a token from a named pipe once, to its end', async () => {
    const service = await issuingServerForTest('linkgrant');
    const pipe = makePipe(place.path('token.pipe'));
    writeFileSync(place.path('token.yaml'), encodeAccessToken(service.token));
    const writer = spawn('sh', ['-c', `cat '${place.path('token.yaml')}' > '${pipe}'`]);
    const words = ['--token', pipe, ...to, ...data, '--wait', 'configured', '--deadline', '30s'];
    const ended = await linkgrant(['bootstrap', ...words]);
    writer.kill();
    expectSuccess(ended);
    expect(ended.stderr).toMatch(/^(Written .*\n){2}$/);
    expect(ended.stdout).toContain('Linked: my-link');
  });

  it.each([
    ['a named pipe', () => makePipe(place.path('silent.pipe'))],
    ['standard input', () => '-'],
  ])('bootstrap waits for data from %s at most until --deadline', async (_which, pipe) => {
    const words = ['--token', pipe(), '--to', place.path('unlinked'), ...data, '--deadline', '1s'];
    const ended = await linkgrant(['bootstrap', ...words], { holdsInput: true });
    expect(ended.code).toBe(4);
    expect(refusalOf({ ...ended, stderr: ended.stderr.replace(/^Waiting:.*\n/gm, '') }).error).toContain(
      'did not arrive in time',
    );
  });

  it('bootstrap waits for a named pipe of --proxy-secret at most until --deadline', async () => {
    const pipe = makePipe(place.path('proxy.pipe'));
    const words = ['--proxy-secret', pipe, ...to, ...data, '--deadline', '1s'];
    const ended = await linkgrant(['bootstrap', '--token', place.path('none'), ...words]);
    expect(expectRefusal(ended, 2).error).toContain('the end of the input did not arrive in time');
  });

  it('named pipes among the files of a site block neither commands nor the service', async () => {
    const home = place.path('piped');
    const west = copySite('west', home);
    makePipe(west.path('runtime/resources/zz.yaml'));
    const names = ['AccessGrant-f.yaml', 'AccessToken-aa.yaml', 'Link-x.yaml', 'Secret-x.yaml', 'x.yaml'];
    for (const name of names) makePipe(west.path('input/resources', name));
    makePipe(west.path('runtime/resources/Link-x.yaml'));
    const site = ['--platform', 'linux', '-n', 'west', '--skupper-home', home];
    const store = ['--data-dir', place.path('piped-data')];
    const host = ['--platform', 'linux', '--skupper-home', home, '--host', 'vm'];
    const serving = await place.serve([...host, ...store]);
    expect(serving.said.stdout).toContain('Namespace west: links to inter-router vm:55671');
    for (const [command, text] of [
      ['token redeem --input', 'The token file cannot be read: it is not a regular file'],
      ['link status', 'There are no outgoing links.'],
      ['link check x', 'there is no link "x"'],
      ['doctor', 'links connect to inter-router vm:55671'],
      ['bootstrap --deadline 5s', 'The token file cannot be read: it is not a regular file'],
    ] as const) {
      const words = [...command.split(' '), ...site, ...store];
      const { stdout, stderr } = await linkgrant(words, { env: { PATH: '/nowhere' } });
      expect(stdout + stderr, command).toContain(text);
    }
    expect((await linkgrant(['token', 'issue', '-', '-n', 'west', ...store])).code).toBe(0);
  });
});

describe('a dangling symbolic link', () => {
  it.each([
    ['the directory of --to', 'dangling'],
    ['a parent of the directory of --to', 'dangling/below/it'],
  ])('token redeem reports a dangling symbolic link: %s', async (_where, path) => {
    rmSync(place.path('dangling'), { force: true });
    symlinkSync(place.path('nowhere'), place.path('dangling'));
    const service = await issuingServerForTest('linkgrant');
    const ended = await linkgrant(['token', 'redeem', '-', '--to', place.path(path), ...data], {
      input: encodeAccessToken(service.token),
    });
    expect(expectRefusal(ended, 1).error).toContain(
      `${place.path('dangling')} is a symbolic link to a missing target`,
    );
    expect(service.seen).toEqual([]);
  });
});
