import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { json, linkgrant, type RunOptions, refusalOf, Workplace } from '../support/command-line.js';
import { releaseAfterFile } from '../support/release.js';

const place = releaseAfterFile(new Workplace());

const plugin = (words: readonly string[], options: RunOptions = {}) =>
  linkgrant(words, { name: 'kubectl-linkgrant', ...options });
const complete = async (...words: readonly string[]) =>
  (await linkgrant(words, { name: 'kubectl_complete-linkgrant' })).stdout.trimEnd().split('\n');

describe('the program under the name kubectl-linkgrant', () => {
  it.each(['', 'grant', 'grant list', 'token redeem'])(
    'prints `kubectl linkgrant` in the usage of "%s"',
    async (words) => {
      const { code, stdout } = await plugin([...words.split(' ').filter(Boolean), '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^Usage: kubectl linkgrant ${words}`.trimEnd()));
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  it('uses the platform kubernetes by default, and its help states this', async () => {
    const { stdout } = await plugin(['grant', 'list', '--help']);
    expect(stdout.replace(/\s+/g, ' ')).toContain('(default: kubernetes)');
    const ended = await plugin(['grant', 'list', '--kubeconfig', place.path('absent')]);
    expect(refusalOf(ended).error).toContain(place.path('absent'));
    const config = await plugin(['config', 'check', '-o', 'json', '--data-dir', place.path('none')]);
    expect(json(config)).toContainEqual({
      key: 'platform',
      value: 'kubernetes',
      source: 'default',
    });
  });

  it.each<[string, readonly string[], RunOptions]>([
    ['a flag', ['--platform', 'standalone'], {}],
    ['a variable', [], { env: { LINKGRANT_PLATFORM: 'standalone' } }],
    ["Skupper's variable", [], { env: { SKUPPER_PLATFORM: 'podman' } }],
  ])('uses another platform if it is set by %s', async (_what, words, options) => {
    const ended = await plugin(['grant', 'list', '--data-dir', place.path('none'), ...words], options);
    expect(ended.stderr).not.toContain('kubeconfig');
    const { hint } = refusalOf(ended);
    expect(hint).toContain('kubectl linkgrant serve');
  });

  it('hints begin their commands with `kubectl linkgrant`; under the name linkgrant they begin with `linkgrant`', async () => {
    mkdirSync(place.path('links'));
    const missing = await plugin(['link', 'status', 'nope', '--dir', place.path('links')]);
    expect(refusalOf(missing).hint).toContain('`kubectl linkgrant link status`');
    const ordinary = await linkgrant(['link', 'status', 'nope', '--dir', place.path('links')]);
    expect(refusalOf(ordinary).hint).toContain('`linkgrant link status`');
  });
});

describe('the program under the name kubectl_complete-linkgrant', () => {
  it('completes commands, and no file names beside them', async () => {
    expect(await complete('gr')).toEqual(['grant', ':4']);
    expect(await complete('grant', 'l')).toEqual(['list', ':4']);
    expect(await complete('')).toEqual(expect.arrayContaining(['grant', 'token', 'doctor', ':4']));
  });

  it('completes the flags of a command, also after its arguments', async () => {
    expect(await complete('grant', 'list', '--all')).toEqual(['--all-namespaces', ':4']);
    expect(await complete('grant', 'show', 'hub', '--sig')).toEqual(['--signing-key', ':4']);
  });

  it('completes values of flags, and columns', async () => {
    expect(await complete('grant', 'list', '--state', 're')).toEqual(['ready', 'revoked', ':4']);
    expect(await complete('grant', 'create', 'hub', '--endpoint-roles', 'e')).toEqual(['edge', ':4']);
    expect(await complete('grant', 'list', '-o', 'js')).toEqual(['json', 'jsonpath=', ':4']);
    expect(await complete('grant', 'list', '--sort-by', 're')).toEqual(['redemptions', 'reason', ':4']);
    expect(await complete('config', 'check', '--log-level', 'd')).toEqual(['debug', ':4']);
  });

  it('leaves file names to the shell where an argument follows', async () => {
    expect(await complete('token', 'redeem', 'tok')).toEqual([':0']);
  });
});
