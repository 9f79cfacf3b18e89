import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type RunConditions, run, runProcess, serve } from '../../chaos/commands.js';
import { ENDPOINT, type EndedProcess, expectSuccess } from '../../support/command-line.js';
import { directoryForTest, releaseAfterTest } from '../../support/release.js';
import { copySite, modeOf, type SystemSiteCopy } from '../../support/sites/system-site.js';

let place: string;
let accepting: string;
let east: SystemSiteCopy;
let before: string[];

beforeEach(async () => {
  place = directoryForTest();
  accepting = join(place, 'accepting');
  east = copySite('east', join(place, 'skupper'));
  before = east.inputNames();
  releaseAfterTest(await serve(['--data-dir', accepting, '--listen', '127.0.0.1:0', ...ENDPOINT]));
});

const reloads = () => join(place, 'reloads');
const reloadCount = () =>
  existsSync(reloads()) ? readFileSync(reloads(), 'utf8').split('\n').filter(Boolean).length : 0;

async function issue(file: string): Promise<string> {
  expectSuccess(await run(['token', 'issue', file, '--name', 'west', '--data-dir', accepting]));
  return file;
}

function redeem(
  words: readonly string[],
  conditions: RunConditions = {},
  runCommand = run,
): Promise<EndedProcess> {
  const site = ['--platform', 'linux', '--namespace', 'east', '--skupper-home', east.home];
  const options = [
    '--data-dir',
    join(place, 'requesting'),
    '--reload-command',
    `echo reload >> '${reloads()}'`,
  ];
  return runCommand(['token', 'redeem', ...words, ...site, ...options], conditions);
}

async function recordedSerials(): Promise<string[]> {
  const listed = await run(['redemption', 'list', '-o', 'json', '--data-dir', accepting]);
  return JSON.parse(listed.stdout).map(({ serial }: { serial: string }) => serial.replace(/^0+/, ''));
}

function secretSerial(): string {
  const certificate = Buffer.from(east.input('Secret-west.yaml').data['tls.crt'], 'base64');
  return new X509Certificate(certificate).serialNumber.toLowerCase().replace(/^0+/, '');
}

/** Returns the names of the files added to the input directory; expects each to be complete and private. */
function added(): string[] {
  const names = east.inputNames().filter((name) => !before.includes(name));
  for (const name of names) {
    expect(modeOf(east.path('input/resources', name)), name).toBe(0o600);
    if (name.endsWith('.yaml') && !name.startsWith('.')) expect(east.input(name).metadata.name).toBe('west');
  }
  return names;
}

const MOMENTS = [
  'key-created',
  'before-post',
  'answer-received',
  'answer-stored',
  'before-write',
  'secret-written',
  'link-written',
  'outcome-written',
  'before-reload',
];
const LINK_FILES = ['Link-west.yaml', 'Secret-west.yaml'];

describe('a redemption into a site, killed between two writes', () => {
  it.each(MOMENTS)('ends with one use, one link and one reload when it is repeated: %s', async (moment) => {
    const token = await issue(join(place, 'token.yaml'));
    expect((await redeem([token], { killedAt: moment })).signal).toBe('SIGKILL');
    added();
    expect(reloadCount()).toBe(0);
    expectSuccess(await redeem([token]));
    expect(added()).toEqual(LINK_FILES);
    expect(await recordedSerials()).toEqual([secretSerial()]);
    expect(reloadCount()).toBe(1);
    expect((await redeem([token])).code).toBe(0);
    expect(reloadCount()).toBe(1);
  });

  it('reloads a second time if it dies right after the reload', async () => {
    const token = await issue(join(place, 'token.yaml'));
    expect((await redeem([token], { killedAt: 'after-reload' })).signal).toBe('SIGKILL');
    expect(reloadCount()).toBe(1);
    expect((await redeem([token])).code).toBe(0);
    expect(reloadCount()).toBe(2);
    expect((await redeem([token])).code).toBe(0);
    expect(reloadCount()).toBe(2);
    expect(await recordedSerials()).toHaveLength(1);
  });
});

describe('a redemption of the input directory, killed between two writes', () => {
  it.each([...MOMENTS, 'token-removed'])(
    'leaves the token or its link, and replaces the token by the link when it is repeated: %s',
    async (moment) => {
      const token = await issue(east.path('input/resources/AccessToken-west.yaml'));
      expect((await redeem(['--input'], { killedAt: moment })).signal).toBe('SIGKILL');
      const names = added();
      if (!existsSync(token)) expect(names).toEqual(LINK_FILES);
      expectSuccess(await redeem(['--input']));
      expect(added()).toEqual(LINK_FILES);
      expect(await recordedSerials()).toEqual([secretSerial()]);
      expect(reloadCount()).toBe(1);
    },
  );
});

describe('twenty concurrent redemptions of the input directory', () => {
  it('spend one use, all succeed, reload once, and leave one link', async () => {
    await issue(east.path('input/resources/AccessToken-west.yaml'));
    const ends = await Promise.all(Array.from({ length: 20 }, () => redeem(['--input'], {}, runProcess)));
    expect(ends.map(({ code, stderr }) => (code === 0 ? 0 : stderr))).toEqual(Array(20).fill(0));
    expect(added()).toEqual(LINK_FILES);
    expect(await recordedSerials()).toEqual([secretSerial()]);
    expect(reloadCount()).toBe(1);
  });
});
