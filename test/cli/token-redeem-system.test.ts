import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ENDPOINT,
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  linkgrantProcess,
  type Serving,
  Workplace,
} from '../support/command-line.js';
import { releaseAfterTest } from '../support/release.js';
import { startProxy } from '../support/servers/tunnel-proxy.js';
import { copySite, installFakeSkupper, modeOf, type SystemSiteCopy } from '../support/sites/system-site.js';

const EAST_UID = '2c24a82c-d6ac-475d-88f5-063ecf88a441';

let work: Workplace;
let service: Serving;
let east: SystemSiteCopy;

beforeEach(async () => {
  work = releaseAfterTest(new Workplace());
  east = copySite('east', work.path('skupper'));
  service = await work.serve(['--data-dir', work.path('accepting'), ...ENDPOINT]);
});

async function issue(file: string, ...words: string[]): Promise<string> {
  expectSuccess(await linkgrant(['token', 'issue', file, '--data-dir', work.path('accepting'), ...words]));
  return file;
}

const token = (...words: string[]) => issue(work.path('token.yaml'), '--name', 'west', ...words);

const siteFlags = (platform = 'linux', namespace = 'east') => [
  ...['--platform', platform, '--namespace', namespace, '--skupper-home', east.home],
  ...['--data-dir', work.path('requesting')],
];

const redeem = (words: readonly string[], env: Record<string, string> = {}, run = linkgrant) =>
  run(['token', 'redeem', ...words, ...siteFlags()], { env: { PATH: '/nowhere', ...env } });

/** The environment of a command that finds `skupper` in this directory. */
const withSkupper = (path: string) => ({ PATH: `${path}:/usr/bin:/bin` });

async function redemptions(): Promise<{ subject: string; serial: string }[]> {
  const listed = await linkgrant(['redemption', 'list', '-o', 'json', '--data-dir', work.path('accepting')]);
  return json(listed);
}

function edit(file: string, pattern: RegExp, replacement: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, replacement));
}

const certificateOf = (secret: { data: Record<string, string> }) =>
  new X509Certificate(Buffer.from(secret.data['tls.crt'] as string, 'base64'));

describe('token redeem on a system site', () => {
  it('writes a private Secret and Link into the given namespace, not that of the token', async () => {
    const file = await token('--link-cost', '7');
    edit(file, /^metadata:$/m, 'metadata:\n  namespace: "other"');
    expectSuccess(await redeem([file]));
    const secret = east.input('Secret-west.yaml');
    const link = east.input('Link-west.yaml');
    expect(secret.metadata.namespace).toBe('east');
    expect(link.metadata.namespace).toBe('east');
    expect(link.spec).toMatchObject({ cost: 7, tlsCredentials: 'west' });
    for (const name of ['Secret-west.yaml', 'Link-west.yaml']) {
      expect(modeOf(east.path('input/resources', name))).toBe(0o600);
    }
    expect(modeOf(work.path('requesting'))).toBe(0o700);
    expect(existsSync(work.path('skupper/namespaces/other'))).toBe(false);
    expect(existsSync(work.path('skupper/namespaces/default'))).toBe(false);
  });

  it('uses the uid of the started site as the subject, unless another is given', async () => {
    expect((await redeem([await token()])).code).toBe(0);
    expect(certificateOf(east.input('Secret-west.yaml')).subject).toBe(`CN=${EAST_UID}`);
    const other = await issue(work.path('other.yaml'), '--name', 'other');
    expect((await redeem([other, '--subject', 'someone'])).code).toBe(0);
    expect(certificateOf(east.input('Secret-other.yaml')).subject).toBe('CN=someone');
  });

  it('creates private directories for a namespace without a site, and uses the name as the subject', async () => {
    const home = work.path('fresh');
    const ended = await linkgrant(
      ['token', 'redeem', await token(), '--skupper-home', home, '--data-dir', work.path('requesting')],
      { env: { PATH: '/nowhere', SKUPPER_PLATFORM: 'podman' } },
    );
    expectSuccess(ended);
    const directory = `${home}/namespaces/default/input/resources`;
    expect(modeOf(directory)).toBe(0o700);
    expect(modeOf(`${directory}/Secret-west.yaml`)).toBe(0o600);
    expect((await redemptions()).map(({ subject }) => subject)).toEqual(['west']);
    expect(ended.stdout).toContain('Start it: skupper system start -n default -p podman');
  });

  it('refuses a platform that the site does not run on, --to, and an invalid namespace', async () => {
    const file = await token();
    const onPodman = expectRefusal(await linkgrant(['token', 'redeem', file, ...siteFlags('podman')]), 2);
    expect(onPodman).toEqual({
      error: 'the site of namespace "east" runs on linux, not on podman',
      hint: 'use --platform linux, or another --namespace',
    });
    const to = expectRefusal(await redeem([file, '--to', work.path('links')]), 2);
    expect(to.error).toBe('--to is for the standalone platform');
    const words = ['token', 'redeem', file, ...siteFlags('linux', '../west')];
    const odd = expectRefusal(await linkgrant(words), 2);
    expect(odd.error).toBe('namespace (flag --namespace) cannot be "../west"');
    expect(await redemptions()).toEqual([]);
  });

  it("refuses to overwrite another owner's Link of that name, and spends no use", async () => {
    const file = await issue(work.path('token.yaml'), '--name', 'to-west');
    const before = readFileSync(east.path('input/resources/Secret-to-west.yaml'), 'utf8');
    const refusal = expectRefusal(await redeem([file]), 1);
    expect(refusal.error).toContain('Secret-to-west.yaml already exists');
    expect(refusal.hint).toContain('--name');
    expect(readFileSync(east.path('input/resources/Secret-to-west.yaml'), 'utf8')).toBe(before);
    expect(await redemptions()).toEqual([]);
  });
});

describe('an existing Link in the input directory', () => {
  it('a repeated redemption changes the cost of the existing Link only with --link-cost, and reports the change', async () => {
    const file = await token('--link-cost', '7');
    expect((await redeem([file])).code).toBe(0);
    const update = ['link', 'update', 'west', '--cost', '9', ...siteFlags()];
    expect((await linkgrant(update, { env: { PATH: '/nowhere' } })).code).toBe(0);
    const again = expectSuccess(await redeem([file]));
    expect(again.stdout).toContain('In place ');
    expect(east.input('Link-west.yaml').spec.cost).toBe(9);
    const changed = expectSuccess(await redeem([file, '--link-cost', '4']));
    expect(changed.stdout).toMatch(/^In place \S+\/Secret-west\.yaml\nWritten \S+\/Link-west\.yaml\n/);
    expect(east.input('Link-west.yaml').spec.cost).toBe(4);
  });

  it('finds an existing Secret in a file of any name, and spends no use', async () => {
    const text = 'kind: Site\n---\nkind: Secret\nmetadata:\n  name: west\n';
    writeFileSync(east.path('input/resources/mine.yaml'), text);
    const refusal = expectRefusal(await redeem([await token()]), 1);
    expect(refusal.error).toContain('mine.yaml already exists');
    expect(await redemptions()).toEqual([]);
  });
});

describe('token redeem into an unknown namespace', () => {
  it('refuses an unknown namespace if others exist, creates nothing and spends no use', async () => {
    const file = await token();
    for (const what of [file, '--input']) {
      const words = ['token', 'redeem', what, ...siteFlags('linux', 'eats')];
      const { error, hint } = expectRefusal(await linkgrant(words), 2);
      expect(error).toBe(`there is no namespace "eats" in ${east.home}`);
      expect(hint).toContain('east');
    }
    expect(existsSync(work.path('skupper/namespaces/eats'))).toBe(false);
    expect(await redemptions()).toEqual([]);
  });
});

describe('the reload after a redemption', () => {
  it('reloads once, with Skupper if that is installed', async () => {
    const skupper = installFakeSkupper(work.path('bin'), east);
    const file = await token();
    const first = expectSuccess(await redeem([file], withSkupper(skupper.path)));
    expect(first.stdout).toContain('Reloaded with: skupper system reload -n east -p linux\n');
    const second = expectSuccess(await redeem([file], withSkupper(skupper.path)));
    expect(second.stdout).not.toContain('Reloaded');
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it('reloads again after the files were deleted and restored', async () => {
    const skupper = installFakeSkupper(work.path('bin'), east);
    const file = await token();
    await redeem([file], withSkupper(skupper.path));
    rmSync(east.path('input/resources/Link-west.yaml'));
    rmSync(east.path('runtime/resources/Link-west.yaml'));
    expectSuccess(await redeem([file], withSkupper(skupper.path)));
    expect(skupper.calls()).toHaveLength(2);
  });

  it('prints the reload command if Skupper is not installed, until the site has the link', async () => {
    const file = await token();
    const line = 'To activate the link, run: skupper system reload -n east -p linux\n';
    expect((await redeem([file])).stdout).toContain(line);
    expect((await redeem([file])).stdout).toContain(line);
    for (const name of ['Link-west.yaml', 'Secret-west.yaml']) {
      const loaded = readFileSync(east.path('input/resources', name));
      writeFileSync(east.path('runtime/resources', name), loaded);
    }
    expect((await redeem([file])).stdout).not.toContain('reload');
  });

  it('exits with 1 if the reload fails, and the next redemption repeats the reload', async () => {
    const skupper = installFakeSkupper(work.path('bin'), east);
    skupper.fail(5);
    const file = await token();
    const failed = await redeem([file], withSkupper(skupper.path));
    expect(expectRefusal(failed, 1).error).toBe(
      'the link is written, but the reload failed: it exited with 5',
    );
    expect(east.inputNames()).toContain('Link-west.yaml');
    skupper.fail(0);
    expectSuccess(await redeem([file], withSkupper(skupper.path)));
    expect(skupper.calls()).toHaveLength(2);
    expect(await redemptions()).toHaveLength(1);
  });

  it('runs --reload-command in a shell, and does not print its output to standard output', async () => {
    const log = work.path('reloads');
    const command = `echo reloaded >> '${log}'; echo to standard output`;
    const words = [await token(), '--reload-command', command, '-o', 'json'];
    const ended = expectSuccess(await redeem(words, {}, linkgrantProcess));
    expect(readFileSync(log, 'utf8')).toBe('reloaded\n');
    expect(json(ended).reload).toBe('reloaded');
  });

  it('runs --reload-command for a directory of the standalone platform too', async () => {
    const file = await token();
    const words = ['--to', work.path('links'), '--data-dir', work.path('requesting')];
    const log = work.path('reloads');
    const run = () =>
      linkgrant(['token', 'redeem', file, ...words, '--reload-command', `echo reloaded >> '${log}'`]);
    expect((await run()).stdout).toContain('Reloaded with: echo reloaded');
    const again = expectSuccess(await run());
    expect(again.stdout).toContain('The token was already redeemed');
    expect(again.stdout).not.toContain('kubectl apply');
    expect(readFileSync(log, 'utf8')).toBe('reloaded\n');
  });
});

describe('token redeem --proxy-secret', () => {
  const SECRET = (port: number) => `apiVersion: v1
kind: Secret
type: kubernetes.io/basic-auth
metadata:
  name: egress
stringData:
  host: 127.0.0.1
  port: "${port}"
  username: user
  password: p@ss/word
`;

  it('connects through the proxy of the Secret, which the Link then names', async () => {
    const proxy = releaseAfterTest(await startProxy());
    writeFileSync(work.path('proxy.yaml'), SECRET(proxy.port));
    const ended = expectSuccess(await redeem([await token(), '--proxy-secret', work.path('proxy.yaml')]));
    expect(new Set(proxy.connectRequests.map(({ target }) => target))).toEqual(
      new Set([`127.0.0.1:${service.port}`]),
    );
    const authorization = `Basic ${Buffer.from('user:p@ss/word').toString('base64')}`;
    expect(proxy.connectRequests[0]?.authorization).toBe(authorization);
    expect(east.input('Link-west.yaml').spec.settings).toEqual({ 'proxy-configuration': 'egress' });
    const { data, type, metadata } = east.input('Secret-egress.yaml');
    expect(type).toBe('kubernetes.io/basic-auth');
    expect(metadata.namespace).toBe('east');
    expect(Buffer.from(data.password, 'base64').toString()).toBe('p@ss/word');
    expect(modeOf(east.path('input/resources/Secret-egress.yaml'))).toBe(0o600);
    expect(ended.stdout + ended.stderr).not.toContain('p@ss');
  });

  it('accepts a Secret in the input directory, and leaves it unchanged', async () => {
    const proxy = releaseAfterTest(await startProxy());
    const file = east.path('input/resources/Secret-egress.yaml');
    writeFileSync(file, SECRET(proxy.port));
    expectSuccess(await redeem([await token(), '--proxy-secret', file]));
    expect(readFileSync(file, 'utf8')).toBe(SECRET(proxy.port));
  });

  it('refuses a proxy Secret with the name of the link, and spends no use', async () => {
    const proxy = releaseAfterTest(await startProxy());
    writeFileSync(work.path('proxy.yaml'), SECRET(proxy.port));
    const words = ['--name', 'egress', '--proxy-secret', work.path('proxy.yaml')];
    const refusal = expectRefusal(await redeem([await token(), ...words]), 1);
    expect(refusal.error).toContain('The Secret of the proxy has the name "egress"');
    expect(await redemptions()).toEqual([]);
  });

  it('refuses a file that is not a Secret', async () => {
    writeFileSync(work.path('proxy.yaml'), 'kind: ConfigMap\n');
    const words = [await token(), '--proxy-secret', work.path('proxy.yaml')];
    expect(expectRefusal(await redeem(words), 2).error).toContain('its kind is not Secret');
    expect(await redemptions()).toEqual([]);
  });
});

describe('token redeem --input', () => {
  const inputToken = (name = 'west', ...words: string[]) =>
    issue(east.path(`input/resources/AccessToken-${name}.yaml`), '--name', name, ...words);

  it('spends one use if Skupper applies the token and reloads the site five times', async () => {
    await service.stop();
    const flags = ['--data-dir', work.path('accepting'), ...ENDPOINT, '--stock-replay-window', '0'];
    service = await work.serve(flags);
    const skupper = installFakeSkupper(work.path('bin'), east);
    const reload = () => execFileSync(join(skupper.path, 'skupper'), ['applied']);
    const file = await inputToken('west', '--link-cost', '3', '--redemptions-allowed', '9');
    const applied = readFileSync(file);
    // Without --input each reload by Skupper spends a use of the token that it finds.
    reload();
    reload();
    expect(await redemptions()).toHaveLength(2);
    for (let time = 1; time <= 5; time += 1) {
      writeFileSync(file, applied);
      expectSuccess(await redeem(['--input'], withSkupper(skupper.path)));
      reload();
    }
    expect(await redemptions()).toHaveLength(3);
    expect(skupper.calls().filter((words) => words !== 'applied')).toEqual([
      'system reload -n east -p linux',
    ]);
    expect(east.inputNames().filter((name) => name.startsWith('AccessToken'))).toEqual([]);
    expect(east.input('Link-west.yaml').spec.cost).toBe(3);
    expect(certificateOf(east.input('Secret-west.yaml')).subject).toBe(`CN=${EAST_UID}`);
  });

  it('leaves a refused token with its outcome in a file beside it, and sends it again only with --retry', async () => {
    const file = await inputToken();
    expectSuccess(await linkgrant(['grant', 'revoke', 'west', '--data-dir', work.path('accepting')]));
    const refused = expectRefusal(await redeem(['--input']), 3);
    expect(refused.error).toContain(file);
    expect(existsSync(file)).toBe(true);
    const outcome = JSON.parse(readFileSync(`${file}.outcome`, 'utf8'));
    expect(outcome).toMatchObject({ code: 'grant_revoked', final: true });
    expect(JSON.stringify(outcome)).not.toContain(/code: "([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1]);
    expect(modeOf(`${file}.outcome`)).toBe(0o600);

    await service.stop();
    const again = await redeem(['--input']);
    expect(again.code).toBe(3);
    expect(again.stdout).toContain('not repeated; use --retry');
    const retried = expectRefusal(await redeem(['--input', '--retry']), 4);
    expect(retried.error).toContain('accepts no connection');
  });

  it('does not reload the site while a refused token remains, because Skupper would redeem it', async () => {
    const skupper = installFakeSkupper(work.path('bin'), east);
    const env = withSkupper(skupper.path);
    const bad = await inputToken('bad');
    edit(bad, /code: "...../, 'code: "wrong');
    await inputToken('good');
    const ended = await redeem(['--input'], env);
    expect(ended.code).toBe(3);
    expect(ended.stdout).toContain('Not reloaded, because Skupper would redeem the AccessTokens');
    expect(skupper.calls()).toEqual([]);
    rmSync(bad);
    expect((await redeem(['--input'], env)).code).toBe(0);
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it('recognizes AccessTokens by their kind, not by their file names, and ignores a file that is not YAML', async () => {
    const skupper = installFakeSkupper(work.path('bin'), east);
    const file = await issue(east.path('input/resources/token.yml'), '--name', 'west');
    writeFileSync(east.path('input/resources/broken.yaml'), 'kind: [');
    expectSuccess(await redeem(['--input'], withSkupper(skupper.path)));
    expect(existsSync(file)).toBe(false);
    expect(east.inputNames()).toContain('Link-west.yaml');
    expect(await redemptions()).toHaveLength(1);
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it.each([
    ['another document', /^---/, 'kind: ConfigMap\n---', 'it has more than 1 document'],
    ['a YAML anchor', /name: /, 'name: &anchor ', 'it uses YAML anchors or aliases'],
  ])(
    'leaves an AccessToken in a file with %s, and no command reloads the site',
    async (_which, pattern, replacement, reason) => {
      const skupper = installFakeSkupper(work.path('bin'), east);
      const env = withSkupper(skupper.path);
      const file = await issue(east.path('input/resources/all.yaml'), '--name', 'west');
      edit(file, pattern, replacement);
      const refusal = expectRefusal(await redeem(['--input'], env), 3);
      expect(refusal.error).toBe(`${file}: The token file cannot be used: ${reason}.`);
      const update = ['link', 'update', 'to-west', '--cost', '9', ...siteFlags()];
      const updated = expectSuccess(await linkgrant(update, { env }));
      expect(updated.stdout).toContain('Not reloaded, because Skupper would redeem the AccessTokens');
      expect(skupper.calls()).toEqual([]);
      expect(await redemptions()).toEqual([]);
    },
  );

  it('redeems another token that replaced a refused one', async () => {
    const file = await inputToken();
    const right = readFileSync(file, 'utf8');
    edit(file, /code: "...../, 'code: "wrong');
    expect((await redeem(['--input'])).code).toBe(3);
    writeFileSync(file, right);
    expectSuccess(await redeem(['--input']));
    expect(existsSync(file)).toBe(false);
    expect(existsSync(`${file}.outcome`)).toBe(false);
  });

  it('redeems the valid tokens, and reports the others', async () => {
    const bad = await inputToken('bad');
    edit(bad, /code: "...../, 'code: "wrong');
    await inputToken('good');
    const unreachable = await inputToken('unreachable');
    edit(unreachable, /127\.0\.0\.1:\d+/, '127.0.0.1:1');
    const refusal = expectRefusal(await redeem(['--input']), 4);
    expect(refusal.error).toContain('AccessToken-unreachable.yaml');
    expect(refusal.error).toContain('(and 1 more of 3 tokens)');
    expect(east.inputNames()).toContain('Link-good.yaml');
    expect(existsSync(east.path('input/resources/AccessToken-good.yaml'))).toBe(false);
  });

  it('reports that there is no token, and requires a site', async () => {
    const nothing = await redeem(['--input']);
    expect(nothing).toMatchObject({ code: 0, stdout: 'The input directory contains no AccessToken.\n' });
    const standalone = await linkgrant(['token', 'redeem', '--input', '--to', work.path('links')]);
    expect(expectRefusal(standalone, 2).error).toBe('--input needs a site with an input directory');
    expect((await redeem([await token(), '--input'])).code).toBe(2);
    const neither = expectRefusal(await redeem([]), 2);
    expect(neither.error).toBe('no token is given');
  });

  it('does not send the code if the Link cannot be written', async () => {
    const file = await inputToken();
    const directory = east.path('input/resources');
    chmodSync(work.directory, 0o777);
    chmodSync(file, 0o644);
    chmodSync(directory, 0o555);
    const words = ['token', 'redeem', '--input', ...siteFlags()];
    const ended = await linkgrant(words, { obeysPermissions: true });
    chmodSync(directory, 0o755);
    expect(expectRefusal(ended, 1).error).toContain(`${directory} cannot be written (EACCES)`);
    expect(await redemptions()).toEqual([]);
  });
});
