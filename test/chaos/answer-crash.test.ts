import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ENDPOINT, expectSuccess } from '../support/command-line.js';
import { directoryForTest, releaseAfterTest } from '../support/release.js';
import { copySite, type SystemSiteCopy } from '../support/sites/system-site.js';
import { type RunConditions, run, serve } from './commands.js';

let place: string;
let east: SystemSiteCopy;
let answer: string;
let line: string;

beforeEach(async () => {
  place = directoryForTest();
  east = copySite('east', join(place, 'skupper'));
  answer = join(place, 'answer.yaml');
  releaseAfterTest(await serve([...accepting(), '--listen', '127.0.0.1:0', ...ENDPOINT]));
  const { stdout } = expectSuccess(
    await run(['link', 'request', '--line', '--subject', 'east', ...requesting()]),
  );
  line = stdout.trim();
  expectSuccess(await issue(['--name', 'west', answer]));
});

const accepting = () => ['--data-dir', join(place, 'accepting')];
const issue = (words: readonly string[], conditions?: RunConditions) =>
  run(['link', 'issue', '--request', line, ...words, ...accepting()], conditions);
const requesting = () => ['--data-dir', join(place, 'requesting')];
const reloads = () => join(place, 'reloads');
const reloadCount = () =>
  existsSync(reloads()) ? readFileSync(reloads(), 'utf8').split('\n').filter(Boolean).length : 0;

function accept(words: readonly string[], conditions: RunConditions = {}) {
  return run(['link', 'accept', answer, '--yes', ...requesting(), ...words], conditions);
}

const toDirectory = () => ['--to', join(place, 'links')];
const toSite = () => [
  ...['--platform', 'linux', '--namespace', 'east', '--skupper-home', east.home],
  ...['--reload-command', `echo reload >> '${reloads()}'`],
];
const WRITES = ['key-created', 'answer-stored', 'secret-written', 'link-written', 'outcome-written'];
const LINK_FILES = ['Link-west.yaml', 'Secret-west.yaml'];

async function expectNoRequest(): Promise<void> {
  const { stdout } = await run(['link', 'request', '--list', ...requesting()]);
  expect(stdout).toBe('No request waits for a token.\n');
}

describe('link accept that is killed', () => {
  it.each(WRITES)('at %s writes the link into a directory when it is repeated', async (moment) => {
    expect((await accept(toDirectory(), { killedAt: moment })).signal).toBe('SIGKILL');
    expectSuccess(await accept(toDirectory()));
    expect(readdirSync(join(place, 'links')).sort()).toEqual(LINK_FILES);
    await expectNoRequest();
    expectSuccess(await accept(toDirectory()));
  });

  it.each([...WRITES, 'before-write', 'before-reload'])(
    'at %s links a system site with one reload when it is repeated',
    async (moment) => {
      const before = east.inputNames();
      expect((await accept(toSite(), { killedAt: moment })).signal).toBe('SIGKILL');
      expect(reloadCount()).toBe(0);
      expectSuccess(await accept(toSite()));
      expect(east.inputNames().filter((name) => !before.includes(name))).toEqual(LINK_FILES);
      expect(reloadCount()).toBe(1);
      await expectNoRequest();
      expectSuccess(await accept(toSite()));
      expect(reloadCount()).toBe(1);
    },
  );
});

it('link issue, repeated after a kill and the expiry of its grant, prints the command that deletes the grant', async () => {
  const words = ['--name', 'late'];
  expect((await issue(words, { killedAt: 'grant-created' })).signal).toBe('SIGKILL');
  const refused = await issue(words, { clockOffsetMs: 3_600_000 });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('the link was not issued: grant "late" has expired\n');
  const [, command = ''] = /delete it with `linkgrant ([^`]+)`, then repeat/.exec(refused.stderr) ?? [];
  expectSuccess(await run(command.split(' ')));
  expectSuccess(await issue(words, { clockOffsetMs: 3_600_000 }));
});

it('link issue that is killed after it created its grant redeems this grant when it is repeated, and no other request does', async () => {
  const words = ['--name', 'north'];
  expect((await issue(words, { killedAt: 'grant-created' })).signal).toBe('SIGKILL');
  const { stdout } = await run(['link', 'request', '--line', '--subject', 'other', ...requesting()]);
  const other = await run(['link', 'issue', '--request', stdout.trim(), ...words, ...accepting()]);
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('already a grant "north"')]);
  expect(expectSuccess(await issue(words)).stdout).toBe(expectSuccess(await issue(words)).stdout);
  const { stdout: grant } = await run(['grant', 'show', 'north', '-o', 'json', ...accepting()]);
  expect(JSON.parse(grant)).toMatchObject({ redemptions: 1, redemptionsAllowed: 1 });
});
