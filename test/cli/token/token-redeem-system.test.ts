import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  linkgrantProcess,
} from '../../support/command-line.js';
import { releaseAfterTest } from '../../support/release.js';
import { startProxy } from '../../support/servers/tunnel-proxy.js';
import { installFakeSkupper, modeOf } from '../../support/sites/system-site.js';
import { certificateOf, EAST_UID, edit, SystemRedeemPlace, withSkupper } from './system-redeem-place.js';

const at = new SystemRedeemPlace();

const token = (...words: string[]) => at.issue(at.work.path('token.yaml'), '--name', 'west', ...words);

describe('token redeem on a system site', () => {
  it('writes a private Secret and Link into the given namespace, not that of the token', async () => {
    const file = await token('--link-cost', '7');
    edit(file, /^metadata:$/m, 'metadata:\n  namespace: "other"');
    expectSuccess(await at.redeem([file]));
    const secret = at.east.input('Secret-west.yaml');
    const link = at.east.input('Link-west.yaml');
    expect(secret.metadata.namespace).toBe('east');
    expect(link.metadata.namespace).toBe('east');
    expect(link.spec).toMatchObject({ cost: 7, tlsCredentials: 'west' });
    for (const name of ['Secret-west.yaml', 'Link-west.yaml']) {
      expect(modeOf(at.east.path('input/resources', name))).toBe(0o600);
    }
    expect(modeOf(at.work.path('requesting'))).toBe(0o700);
    expect(existsSync(at.work.path('skupper/namespaces/other'))).toBe(false);
    expect(existsSync(at.work.path('skupper/namespaces/default'))).toBe(false);
  });

  it('uses the uid of the started site as the subject, unless another is given', async () => {
    expect((await at.redeem([await token()])).code).toBe(0);
    expect(certificateOf(at.east.input('Secret-west.yaml')).subject).toBe(`CN=${EAST_UID}`);
    const other = await at.issue(at.work.path('other.yaml'), '--name', 'other');
    expect((await at.redeem([other, '--subject', 'someone'])).code).toBe(0);
    expect(certificateOf(at.east.input('Secret-other.yaml')).subject).toBe('CN=someone');
  });

  it('creates private directories for a namespace without a site, and uses the name as the subject', async () => {
    const home = at.work.path('fresh');
    const ended = await linkgrant(
      ['token', 'redeem', await token(), '--skupper-home', home, '--data-dir', at.work.path('requesting')],
      { env: { PATH: '/nowhere', SKUPPER_PLATFORM: 'podman' } },
    );
    expectSuccess(ended);
    const directory = `${home}/namespaces/default/input/resources`;
    expect(modeOf(directory)).toBe(0o700);
    expect(modeOf(`${directory}/Secret-west.yaml`)).toBe(0o600);
    expect((await at.redemptions()).map(({ subject }) => subject)).toEqual(['west']);
    expect(ended.stdout).toContain('Start it: skupper system start -n default -p podman');
  });

  it('refuses a platform that the site does not run on, --to, and an invalid namespace', async () => {
    const file = await token();
    const onPodman = expectRefusal(await linkgrant(['token', 'redeem', file, ...at.siteFlags('podman')]), 2);
    expect(onPodman).toEqual({
      error: 'the site of namespace "east" runs on linux, not on podman',
      hint: 'use --platform linux, or another --namespace',
    });
    const to = expectRefusal(await at.redeem([file, '--to', at.work.path('links')]), 2);
    expect(to.error).toBe('--to is for the standalone platform');
    const words = ['token', 'redeem', file, ...at.siteFlags('linux', '../west')];
    const odd = expectRefusal(await linkgrant(words), 2);
    expect(odd.error).toBe('namespace (flag --namespace) cannot be "../west"');
    expect(await at.redemptions()).toEqual([]);
  });

  it("refuses to overwrite another owner's Link of that name, and spends no use", async () => {
    const file = await at.issue(at.work.path('token.yaml'), '--name', 'to-west');
    const before = readFileSync(at.east.path('input/resources/Secret-to-west.yaml'), 'utf8');
    const refusal = expectRefusal(await at.redeem([file]), 1);
    expect(refusal.error).toContain('Secret-to-west.yaml already exists');
    expect(refusal.hint).toContain('--name');
    expect(readFileSync(at.east.path('input/resources/Secret-to-west.yaml'), 'utf8')).toBe(before);
    expect(await at.redemptions()).toEqual([]);
  });
});

describe('an existing Link in the input directory', () => {
  it('a repeated redemption changes the cost of the existing Link only with --link-cost, and reports the change', async () => {
    const file = await token('--link-cost', '7');
    expect((await at.redeem([file])).code).toBe(0);
    const update = ['link', 'update', 'west', '--cost', '9', ...at.siteFlags()];
    expect((await linkgrant(update, { env: { PATH: '/nowhere' } })).code).toBe(0);
    const again = expectSuccess(await at.redeem([file]));
    expect(again.stdout).toContain('In place ');
    expect(at.east.input('Link-west.yaml').spec.cost).toBe(9);
    const changed = expectSuccess(await at.redeem([file, '--link-cost', '4']));
    expect(changed.stdout).toMatch(/^In place \S+\/Secret-west\.yaml\nWritten \S+\/Link-west\.yaml\n/);
    expect(at.east.input('Link-west.yaml').spec.cost).toBe(4);
  });

  it('finds an existing Secret in a file of any name, and spends no use', async () => {
    const text = 'kind: Site\n---\nkind: Secret\nmetadata:\n  name: west\n';
    writeFileSync(at.east.path('input/resources/mine.yaml'), text);
    const refusal = expectRefusal(await at.redeem([await token()]), 1);
    expect(refusal.error).toContain('mine.yaml already exists');
    expect(await at.redemptions()).toEqual([]);
  });
});

describe('token redeem into an unknown namespace', () => {
  it('refuses an unknown namespace if others exist, creates nothing and spends no use', async () => {
    const file = await token();
    for (const what of [file, '--input']) {
      const words = ['token', 'redeem', what, ...at.siteFlags('linux', 'eats')];
      const { error, hint } = expectRefusal(await linkgrant(words), 2);
      expect(error).toBe(`there is no namespace "eats" in ${at.east.home}`);
      expect(hint).toContain('east');
    }
    expect(existsSync(at.work.path('skupper/namespaces/eats'))).toBe(false);
    expect(await at.redemptions()).toEqual([]);
  });
});

describe('the reload after a redemption', () => {
  it('reloads once, with Skupper if that is installed', async () => {
    const skupper = installFakeSkupper(at.work.path('bin'), at.east);
    const file = await token();
    const first = expectSuccess(await at.redeem([file], withSkupper(skupper.path)));
    expect(first.stdout).toContain('Reloaded with: skupper system reload -n east -p linux\n');
    const second = expectSuccess(await at.redeem([file], withSkupper(skupper.path)));
    expect(second.stdout).not.toContain('Reloaded');
    expect(skupper.calls()).toEqual(['system reload -n east -p linux']);
  });

  it('reloads again after the files were deleted and restored', async () => {
    const skupper = installFakeSkupper(at.work.path('bin'), at.east);
    const file = await token();
    await at.redeem([file], withSkupper(skupper.path));
    rmSync(at.east.path('input/resources/Link-west.yaml'));
    rmSync(at.east.path('runtime/resources/Link-west.yaml'));
    expectSuccess(await at.redeem([file], withSkupper(skupper.path)));
    expect(skupper.calls()).toHaveLength(2);
  });

  it('prints the reload command if Skupper is not installed, until the site has the link', async () => {
    const file = await token();
    const line = 'To activate the link, run: skupper system reload -n east -p linux\n';
    expect((await at.redeem([file])).stdout).toContain(line);
    expect((await at.redeem([file])).stdout).toContain(line);
    for (const name of ['Link-west.yaml', 'Secret-west.yaml']) {
      const loaded = readFileSync(at.east.path('input/resources', name));
      writeFileSync(at.east.path('runtime/resources', name), loaded);
    }
    expect((await at.redeem([file])).stdout).not.toContain('reload');
  });

  it('exits with 1 if the reload fails, and the next redemption repeats the reload', async () => {
    const skupper = installFakeSkupper(at.work.path('bin'), at.east);
    skupper.fail(5);
    const file = await token();
    const failed = await at.redeem([file], withSkupper(skupper.path));
    expect(expectRefusal(failed, 1).error).toBe(
      'the link is written, but the reload failed: it exited with 5',
    );
    expect(at.east.inputNames()).toContain('Link-west.yaml');
    skupper.fail(0);
    expectSuccess(await at.redeem([file], withSkupper(skupper.path)));
    expect(skupper.calls()).toHaveLength(2);
    expect(await at.redemptions()).toHaveLength(1);
  });

  it('runs --reload-command in a shell, and does not print its output to standard output', async () => {
    const log = at.work.path('reloads');
    const command = `echo reloaded >> '${log}'; echo to standard output`;
    const words = [await token(), '--reload-command', command, '-o', 'json'];
    const ended = expectSuccess(await at.redeem(words, {}, linkgrantProcess));
    expect(readFileSync(log, 'utf8')).toBe('reloaded\n');
    expect(json(ended).reload).toBe('reloaded');
  });

  it('runs --reload-command for a directory of the standalone platform too', async () => {
    const file = await token();
    const words = ['--to', at.work.path('links'), '--data-dir', at.work.path('requesting')];
    const log = at.work.path('reloads');
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
    writeFileSync(at.work.path('proxy.yaml'), SECRET(proxy.port));
    const ended = expectSuccess(
      await at.redeem([await token(), '--proxy-secret', at.work.path('proxy.yaml')]),
    );
    expect(new Set(proxy.connectRequests.map(({ target }) => target))).toEqual(
      new Set([`127.0.0.1:${at.service.port}`]),
    );
    const authorization = `Basic ${Buffer.from('user:p@ss/word').toString('base64')}`;
    expect(proxy.connectRequests[0]?.authorization).toBe(authorization);
    expect(at.east.input('Link-west.yaml').spec.settings).toEqual({ 'proxy-configuration': 'egress' });
    const { data, type, metadata } = at.east.input('Secret-egress.yaml');
    expect(type).toBe('kubernetes.io/basic-auth');
    expect(metadata.namespace).toBe('east');
    expect(Buffer.from(data.password, 'base64').toString()).toBe('p@ss/word');
    expect(modeOf(at.east.path('input/resources/Secret-egress.yaml'))).toBe(0o600);
    expect(ended.stdout + ended.stderr).not.toContain('p@ss');
  });

  it('accepts a Secret in the input directory, and leaves it unchanged', async () => {
    const proxy = releaseAfterTest(await startProxy());
    const file = at.east.path('input/resources/Secret-egress.yaml');
    writeFileSync(file, SECRET(proxy.port));
    expectSuccess(await at.redeem([await token(), '--proxy-secret', file]));
    expect(readFileSync(file, 'utf8')).toBe(SECRET(proxy.port));
  });

  it('refuses a proxy Secret with the name of the link, and spends no use', async () => {
    const proxy = releaseAfterTest(await startProxy());
    writeFileSync(at.work.path('proxy.yaml'), SECRET(proxy.port));
    const words = ['--name', 'egress', '--proxy-secret', at.work.path('proxy.yaml')];
    const refusal = expectRefusal(await at.redeem([await token(), ...words]), 1);
    expect(refusal.error).toContain('The Secret of the proxy has the name "egress"');
    expect(await at.redemptions()).toEqual([]);
  });

  it('refuses a file that is not a Secret', async () => {
    writeFileSync(at.work.path('proxy.yaml'), 'kind: ConfigMap\n');
    const words = [await token(), '--proxy-secret', at.work.path('proxy.yaml')];
    expect(expectRefusal(await at.redeem(words), 2).error).toContain('its kind is not Secret');
    expect(await at.redemptions()).toEqual([]);
  });
});
