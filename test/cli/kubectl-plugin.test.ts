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
      expect(stdout).toMatch(new RegExp(`^Usage: kubectl linkgrant ${words}`.trimEnd(), 'm'));
      const usage = stdout.slice(stdout.indexOf('Usage: '));
      for (const line of usage.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
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
    expect(refusalOf(missing).hint).toContain('`kubectl linkgrant link status --dir ');
    const ordinary = await linkgrant(['link', 'status', 'nope', '--dir', place.path('links')]);
    expect(refusalOf(ordinary).hint).toContain('`linkgrant link status --dir ');
  });
});

describe('the program under the name kubectl_complete-linkgrant', () => {
  // The last line is Cobra's directive: with 4 the shell completes no file names, with 0 it does.
  it.each([
    ['gr', ['grant', ':4']],
    ['grant l', ['list', ':4']],
    ['grant list --all', ['--all-namespaces', ':4']],
    ['grant show hub --sig', ['--signing-key', ':4']],
    ['grant list --state re', ['ready', 'revoked', ':4']],
    ['grant create hub --endpoint-roles e', ['edge', ':4']],
    ['grant list -o js', ['json', ':4']],
    ['grant list --output=js', ['json', ':4']],
    ['grant list --sort-by re', ['redemptions', 'reason', ':4']],
    ['config check --log-level d', ['debug', ':4']],
    ['token redeem tok', [':0']],
  ])('completes "%s" with %j', async (line, completions) => {
    expect(await complete(...line.split(' '))).toEqual(completions);
  });

  it('completes an empty word with every command', async () => {
    expect(await complete('')).toEqual(expect.arrayContaining(['grant', 'token', 'doctor', ':4']));
  });
});
