import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ENDPOINT, expectRefusal, expectSuccess, linkgrant } from '../../support/command-line.js';
import { installFakeSkupper, modeOf } from '../../support/sites/system-site.js';
import { certificateOf, EAST_UID, edit, SystemRedeemPlace, withSkupper } from './system-redeem-place.js';

const at = new SystemRedeemPlace();

describe('token redeem --input', () => {
  it.each([
    ['--key', 'key.pem'],
    ['--ca', 'ca.pem'],
    ['--ca-sha256', 'ab'.repeat(32)],
    ['--identity-token-file', 'token.jwt'],
    ['--identity-command', 'true'],
    ['--identity-audience', 'https://example.com'],
  ])('refuses %s, which is for one token', async (...words) => {
    expect(expectRefusal(await at.redeem(['--input', ...words]), 2).hint).toContain('--key');
  });

  const inputToken = (name = 'west', ...words: string[]) =>
    at.issue(at.east.path(`input/resources/AccessToken-${name}.yaml`), '--name', name, ...words);

  it('spends one use if Skupper applies the token and reloads the site five times', async () => {
    await at.service.stop();
    const flags = ['--data-dir', at.work.path('accepting'), ...ENDPOINT, '--stock-replay-window', '0'];
    at.service = await at.work.serve(flags);
    const skupper = installFakeSkupper(at.work.path('bin'), at.east);
    const reload = () => execFileSync(join(skupper.path, 'skupper'), ['applied']);
    const file = await inputToken('west', '--link-cost', '3', '--redemptions-allowed', '9');
    const applied = readFileSync(file);
    // Without --input each reload by Skupper spends a use of the token that it finds.
    reload();
    reload();
    expect(await at.redemptions()).toHaveLength(2);
    for (let time = 1; time <= 5; time += 1) {
      writeFileSync(file, applied);
      expectSuccess(await at.redeem(['--input'], withSkupper(skupper.path)));
      reload();
    }
    expect(await at.redemptions()).toHaveLength(3);
    expect(skupper.calls().filter((words) => words !== 'applied')).toEqual([
      'system reload -n east -p linux',
    ]);
    expect(at.east.inputNames().filter((name) => name.startsWith('AccessToken'))).toEqual([]);
    expect(at.east.input('Link-west.yaml').spec.cost).toBe(3);
    expect(certificateOf(at.east.input('Secret-west.yaml')).subject).toBe(`CN=${EAST_UID}`);
  });

  it('leaves a refused token with its outcome in a file beside it, and sends it again only with --retry', async () => {
    const file = await inputToken();
    expectSuccess(await linkgrant(['grant', 'revoke', 'west', '--data-dir', at.work.path('accepting')]));
    const refused = expectRefusal(await at.redeem(['--input']), 3);
    expect(refused.error).toContain(file);
    expect(existsSync(file)).toBe(true);
    const outcome = JSON.parse(readFileSync(`${file}.outcome`, 'utf8'));
    expect(outcome).toMatchObject({ code: 'grant_revoked', final: true });
    expect(JSON.stringify(outcome)).not.toContain(/code: "([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1]);
    expect(modeOf(`${file}.outcome`)).toBe(0o600);

    await at.service.stop();
    const again = await at.redeem(['--input']);
    expect(again.code).toBe(3);
    expect(again.stdout).toContain('not repeated; use --retry');
    const retried = expectRefusal(await at.redeem(['--input', '--retry']), 4);
    expect(retried.error).toContain('accepts no connection');
  });

  it('does not reload the site while a refused token remains, because Skupper would redeem it', async () => {
    const skupper = installFakeSkupper(at.work.path('bin'), at.east);
    const env = withSkupper(skupper.path);
    const bad = await inputToken('bad');
    edit(bad, /code: "...../, 'code: "wrong');
    await inputToken('good');
    const ended = await at.redeem(['--input'], env);
    expect(ended.code).toBe(3);
    expect(ended.stdout).toContain('Not reloaded, because Skupper would redeem the AccessTokens');
    expect(skupper.calls()).toEqual([]);
    rmSync(bad);
    expect((await at.redeem(['--input'], env)).code).toBe(0);
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it('recognizes AccessTokens by their kind, not by their file names, and ignores a file that is not YAML', async () => {
    const skupper = installFakeSkupper(at.work.path('bin'), at.east);
    const file = await at.issue(at.east.path('input/resources/token.yml'), '--name', 'west');
    writeFileSync(at.east.path('input/resources/broken.yaml'), 'kind: [');
    expectSuccess(await at.redeem(['--input'], withSkupper(skupper.path)));
    expect(existsSync(file)).toBe(false);
    expect(at.east.inputNames()).toContain('Link-west.yaml');
    expect(await at.redemptions()).toHaveLength(1);
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it.each([
    ['another document', /^---/, 'kind: ConfigMap\n---', 'it has more than 1 document'],
    ['a YAML anchor', /name: /, 'name: &anchor ', 'it uses YAML anchors or aliases'],
  ])(
    'leaves an AccessToken in a file with %s, and no command reloads the site',
    async (_which, pattern, replacement, reason) => {
      const skupper = installFakeSkupper(at.work.path('bin'), at.east);
      const env = withSkupper(skupper.path);
      const file = await at.issue(at.east.path('input/resources/all.yaml'), '--name', 'west');
      edit(file, pattern, replacement);
      const refusal = expectRefusal(await at.redeem(['--input'], env), 3);
      expect(refusal.error).toBe(`${file}: The token file cannot be used: ${reason}.`);
      const update = ['link', 'update', 'to-west', '--cost', '9', ...at.siteFlags()];
      const updated = expectSuccess(await linkgrant(update, { env }));
      expect(updated.stdout).toContain('Not reloaded, because Skupper would redeem the AccessTokens');
      expect(skupper.calls()).toEqual([]);
      expect(await at.redemptions()).toEqual([]);
    },
  );

  it('redeems another token that replaced a refused one', async () => {
    const file = await inputToken();
    const right = readFileSync(file, 'utf8');
    edit(file, /code: "...../, 'code: "wrong');
    expect((await at.redeem(['--input'])).code).toBe(3);
    writeFileSync(file, right);
    expectSuccess(await at.redeem(['--input']));
    expect(existsSync(file)).toBe(false);
    expect(existsSync(`${file}.outcome`)).toBe(false);
  });

  it('redeems the valid tokens, and reports the others', async () => {
    const bad = await inputToken('bad');
    edit(bad, /code: "...../, 'code: "wrong');
    await inputToken('good');
    const unreachable = await inputToken('unreachable');
    edit(unreachable, /127\.0\.0\.1:\d+/, '127.0.0.1:1');
    const refusal = expectRefusal(await at.redeem(['--input']), 4);
    expect(refusal.error).toContain('AccessToken-unreachable.yaml');
    expect(refusal.error).toContain('(and 1 more of 3 tokens)');
    expect(at.east.inputNames()).toContain('Link-good.yaml');
    expect(existsSync(at.east.path('input/resources/AccessToken-good.yaml'))).toBe(false);
  });

  it('reports that there is no token, and requires a site', async () => {
    const nothing = await at.redeem(['--input']);
    expect(nothing).toMatchObject({ code: 0, stdout: 'The input directory contains no AccessToken.\n' });
    const standalone = await linkgrant(['token', 'redeem', '--input', '--to', at.work.path('links')]);
    expect(expectRefusal(standalone, 2).error).toBe('--input needs a site with an input directory');
    expect(
      (await at.redeem([await at.issue(at.work.path('token.yaml'), '--name', 'west'), '--input'])).code,
    ).toBe(2);
    const neither = expectRefusal(await at.redeem([]), 2);
    expect(neither.error).toBe('no token is given');
  });

  it('does not send the code if the Link cannot be written', async () => {
    const file = await inputToken();
    const directory = at.east.path('input/resources');
    chmodSync(at.work.directory, 0o777);
    chmodSync(file, 0o644);
    chmodSync(directory, 0o555);
    const words = ['token', 'redeem', '--input', ...at.siteFlags()];
    const ended = await linkgrant(words, { obeysPermissions: true });
    chmodSync(directory, 0o755);
    expect(expectRefusal(ended, 1).error).toContain(`${directory} cannot be written (EACCES)`);
    expect(await at.redemptions()).toEqual([]);
  });
});
