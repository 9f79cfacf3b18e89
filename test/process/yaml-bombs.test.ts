import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { encodeAccessToken } from '../../src/domain/access-token.js';
import { type Ended, linkgrant, linkgrantProcess, refusalOf, Workplace } from '../support/command-line.js';
import { releaseAfterFile, releaseAfterTest } from '../support/release.js';
import { serveHttps } from '../support/servers/hostile-server.js';
import { issuingServerForTest } from '../support/servers/issuing-server.js';
import { makeRenewedSite } from '../support/sites/renewed-site.js';
import { copySite } from '../support/sites/system-site.js';
import { BOMB_NAMES, yamlBomb } from '../support/yaml-bombs.mjs';

const USAGE_REPORT = resolve(import.meta.dirname, 'report-usage.mjs');
const PARSER = resolve(import.meta.dirname, 'yaml-bomb-parser.mjs');
const MAX_CPU_MS = 500;
const MAX_MIB = 100;
const KIB = 1024;
const RESPONSE = 256 * KIB;
const FILE = 1024 * KIB;
// A bomb that exceeds the limit of lexical tokens, one with an error between scalars, and one with an error inside a scalar.
const THROUGH_THE_PROGRAM = ['the same key', 'closing brackets', 'bad escapes in a string'];

interface Cost {
  readonly name: string;
  readonly reason?: string;
  readonly cpuMs: number;
  readonly grownMiB: number;
}

/** How a command ended and what it used: processor time in ms and the peak of resident memory in MiB. */
interface MeasuredEnd extends Ended {
  readonly cpuMs: number;
  readonly peakMiB: number;
}

const work = releaseAfterFile(new Workplace());

/** Runs the built program as a process to its end, and measures it. */
async function measured(words: readonly string[]): Promise<MeasuredEnd> {
  const usageFile = work.path('usage.json');
  // A run that writes no measurement must not get that of the run before.
  rmSync(usageFile, { force: true });
  const env = { PATH: '/nowhere', NODE_OPTIONS: `--import=${USAGE_REPORT}`, USAGE_FILE: usageFile };
  const ended = await linkgrantProcess(words, { env });
  return { ...ended, ...JSON.parse(readFileSync(usageFile, 'utf8')) };
}

/** Fails if a command used much more than the same command without bombs. */
function expectCheap(ended: MeasuredEnd, without: MeasuredEnd): void {
  // On a slow machine two equal runs differ by more than 0.5 s of CPU, so allow half of the run without bombs.
  expect(ended.cpuMs - without.cpuMs).toBeLessThan(Math.max(MAX_CPU_MS, without.cpuMs / 2));
  expect(ended.peakMiB - without.peakMiB).toBeLessThan(MAX_MIB);
}

describe('a YAML bomb', () => {
  it.each([
    ['a response', RESPONSE, 65],
    ['a file', FILE, 100],
  ])(
    'the parser refuses each YAML bomb within 0.5 s of CPU and 100 MiB, at the size limit of %s',
    { timeout: 300_000 },
    async (_what, length, documents) => {
      const argument = JSON.stringify({ names: BOMB_NAMES, length, documents });
      const { stdout } = await promisify(execFile)(process.execPath, [PARSER, argument]);
      const costs: Cost[] = JSON.parse(stdout);
      expect(costs).toHaveLength(BOMB_NAMES.length);
      expect(costs.filter(({ reason }) => reason === undefined)).toEqual([]);
      const isCostly = ({ cpuMs, grownMiB }: Cost) => cpuMs >= MAX_CPU_MS || grownMiB >= MAX_MIB;
      expect(costs.filter(isCostly)).toEqual([]);
    },
  );

  it('token redeem refuses a YAML bomb as the response within 0.5 s of CPU and 100 MiB', {
    timeout: 300_000,
  }, async () => {
    let response = '';
    const server = releaseAfterTest(
      await serveHttps((request, _incoming, answer) => {
        if (request.url.endsWith('/-/check')) answer.writeHead(404).end('No such claim\n');
        else answer.end(response);
      }),
    );
    const redeem = async (site: string, text: string) => {
      response = text;
      const token = work.path(`${site}.yaml`);
      writeFileSync(token, encodeAccessToken(server.token));
      const words = ['--to', work.path(site), '--data-dir', work.path(`${site}-data`)];
      return measured(['token', 'redeem', token, ...words]);
    };
    const plain = await redeem('plain', 'a: b\n');
    for (const [at, name] of THROUGH_THE_PROGRAM.entries()) {
      const ended = await redeem(`bomb-${at}`, yamlBomb(name, RESPONSE));
      expect(refusalOf(ended).error).toContain('cannot be used');
      expect(ended.code).toBe(plain.code);
      expectCheap(ended, plain);
    }
    const long = await redeem('long', yamlBomb('closing brackets', RESPONSE + 1));
    expect(refusalOf(long).error).toContain('larger than 256 KiB');
  });

  it('link renew refuses a YAML bomb as the response within 0.5 s of CPU and 100 MiB', {
    timeout: 300_000,
  }, async () => {
    const site = releaseAfterTest(await makeRenewedSite());
    const words = ['--dir', site.directory, '--data-dir', site.dataDirectory];
    const renew = (text: string) => {
      site.server.changeAnswers(() => text);
      return measured(['link', 'renew', 'to-west', ...words]);
    };
    const plain = await renew('a: b\n');
    for (const name of THROUGH_THE_PROGRAM) {
      const ended = await renew(yamlBomb(name, RESPONSE));
      expect(refusalOf(ended).error).toContain('cannot be used');
      expect(ended.code).toBe(plain.code);
      expectCheap(ended, plain);
    }
    site.server.changeAnswers((answer) => answer);
    const renewed = await linkgrant(['link', 'renew', 'to-west', ...words]);
    expect(renewed.stdout).toContain('Renewed: to-west');
  });

  it('token redeem --input refuses a YAML bomb within 0.5 s of CPU and 100 MiB, and redeems the token beside it', {
    timeout: 300_000,
  }, async () => {
    const service = await issuingServerForTest('linkgrant');
    const redeem = async (name: string, bombs: readonly string[]) => {
      const east = copySite('east', work.path(name));
      const input = (file: string) => east.path('input/resources', file);
      for (const [at, bomb] of bombs.entries()) writeFileSync(input(`bomb-${at}.yaml`), yamlBomb(bomb, FILE));
      writeFileSync(input('AccessToken-good.yaml'), encodeAccessToken({ ...service.token, name }));
      const site = ['--platform', 'linux', '-n', 'east', '--skupper-home', east.home];
      const words = [...site, '--data-dir', work.path(`${name}-data`)];
      const ended = await measured(['token', 'redeem', '--input', ...words]);
      expect(readFileSync(input(`Link-${name}.yaml`), 'utf8')).toContain('kind');
      expect(existsSync(input('AccessToken-good.yaml'))).toBe(false);
      return ended;
    };
    const plain = await redeem('plain-site', []);
    // Programs on the same cores make a command use more CPU time, never less: the cheaper of two runs counts.
    const runs = [await redeem('with-a-bomb', ['single quotes']), await redeem('again', ['single quotes'])];
    const [one = plain] = runs.sort((a, b) => a.cpuMs - b.cpuMs);
    const all = await redeem('site-with-bombs', BOMB_NAMES);
    expect(one.code).toBe(plain.code);
    expect(all.code).toBe(plain.code);
    expectCheap(one, plain);
    expect(all.cpuMs - plain.cpuMs).toBeLessThan(BOMB_NAMES.length * MAX_CPU_MS);
  });
});
