import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  expectRefusal,
  expectSuccess,
  json,
  linkgrant,
  refusalOf,
  refusedResult,
  Workplace,
} from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { type OpensslRouter, startOpensslRouter } from '../../support/links/openssl-router.js';
import { releaseAfterFile, releaseAfterTest } from '../../support/release.js';
import { readIdentity } from '../../support/server-identity.js';
import { MINUTE } from '../../support/service.js';
import { until } from '../../support/until.js';
import { makeAuthority, OpenSsl } from '../../unit/pki/openssl.js';

const SITE = 'skupper-site-ca';
const ROUTER = 'router.example.com:55671';
const openssl = releaseAfterFile(new OpenSsl());

let place: Workplace;
let data: string;
beforeEach(() => {
  place = releaseAfterTest(new Workplace());
  data = place.path('data');
});

/** Runs a command on the store, with a clock that is one minute ahead unless `conditions` sets another one. */
const onStore = (words: readonly string[], conditions: { readonly clockOffsetMs?: number } = {}) =>
  linkgrant([...words, '--data-dir', data], { clockOffsetMs: MINUTE, ...conditions });

const succeed = async (...words: readonly string[]) => expectSuccess(await onStore(words)).stdout;

/**
 * Runs the last step of a cut after services have read the earlier changes; the router is dialed at this port of 127.0.0.1.
 */
async function lastStep(id: string, port: number, ...words: readonly string[]) {
  const way = ['--connect-to', `${ROUTER}:127.0.0.1:${port}`, '--timeout', '5s'];
  const command = ['redemption', 'revoke', id, '--cut', '--continue', '6', ...way, ...words];
  return onStore(command, { clockOffsetMs: 3 * MINUTE });
}

const report = async (...words: readonly string[]) => JSON.parse(await succeed(...words, '-o', 'json'));

const refused = async (...words: readonly string[]) => refusedResult(await onStore(words));

/** Runs a step of a cut, which succeeds. Returns its standard output. */
const cut = (id: string, ...words: readonly string[]) =>
  succeed('redemption', 'revoke', id, '--cut', ...words);

const serve = (...words: readonly string[]) =>
  place.serve(['--data-dir', data, '--endpoint', `inter-router=${ROUTER}`, ...words]);
const renewOf = (name: string) =>
  linkgrant(['link', 'renew', name, '--dir', place.path('links'), '--data-dir', place.path(name)]);

const casOfSite = async () =>
  JSON.parse(await succeed('issuer', 'list', '-o', 'json')).filter(
    ({ issuer }: { readonly issuer: string }) => issuer === SITE,
  );

/** Redeems one token for each name. Returns the ids of the redemptions. */
async function link(...names: readonly string[]): Promise<string[]> {
  for (const name of names) {
    const token = place.path(`${name}.yaml`);
    await succeed('token', 'issue', token, '--name', name);
    const to = ['--to', place.path('links'), '--data-dir', place.path(name)];
    expectSuccess(await linkgrant(['token', 'redeem', token, '--renew', ...to]));
  }
  return json(await linkgrant(['redemption', 'list', '-o', 'json', '--data-dir', data])).map(
    ({ id }: { readonly id: string }) => id,
  );
}

describe('redemption revoke --cut --dry-run', () => {
  it('prints each step with its instructions, and neither revokes the redemption nor creates a CA', async () => {
    await serve();
    const [id = '', other = ''] = await link('one', 'two');
    const before = [await casOfSite(), await report('redemption', 'show', id)];
    const plan = await cut(id, '--dry-run');
    expect([await casOfSite(), await report('redemption', 'show', id)]).toEqual(before);
    expect(plan.match(/^Step \d of \d/gm)).toEqual([1, 2, 3, 4, 5, 6].map((step) => `Step ${step} of 6`));
    expect(plan).toContain(`\`linkgrant issuer trust ${SITE} --data-dir ${data}\` prints both`);
    expect(plan).toContain(
      `\n  linkgrant issuer server-certificate --issuer ${SITE} --host HOST --to DIR --data-dir`,
    );
    expect(plan).toContain('The command itself makes the new CA sign.\n');
    expect(plan).not.toContain('--issuer-cert');
    expect(plan).toContain(`\n${other}  two  `);
    expect(plan).not.toContain(`\n${id}  one  `);
    expect(plan).toMatch(/ never +-\n/);
    const { grant } = await report('redemption', 'show', other);
    await succeed('grant', 'update', grant, '--source-cidrs', '10.0.0.0/8');
    expect(await cut(id, '--dry-run')).toContain(' policy_source, from 127.0.0.1\n');
    const first = await cut(id);
    const [, instructions = ''] = /^Step 1 of 6: (.*\n.*\n)/m.exec(first) ?? [];
    expect(plan).toContain(instructions);
  });
});

describe('redemption revoke --cut --continue', () => {
  it('does not skip a step that is not done: at the first step, or while links have not renewed', async () => {
    await serve();
    const [id = '', other = ''] = await link('one', 'two');
    const first = await cut(id, '--continue', '6');
    expect(first).toContain('Step 1 of 6');
    expect(first).toContain(
      `Next: linkgrant redemption revoke ${id} --cut --continue 1 --data-dir ${data}\n`,
    );
    expect(await casOfSite()).toMatchObject([
      { state: 'active', subject: 'linkgrant site CA' },
      { state: 'prepared' },
    ]);
    const second = await cut(id, '--continue', '1');
    expect(second).toContain('Step 2 of 6: the new CA signs: done\n');
    expect(second).toContain('\nStep 3 of 6: ');
    expect(await cut(id, '--continue', '2')).not.toContain('Step 2 of 6');
    for (const claimed of ['3', '6']) {
      const behind = await refused('redemption', 'revoke', id, '--cut', '--continue', claimed);
      expect(behind).toMatchObject({
        code: 4,
        error: 'links that have not renewed would be cut off too: 1',
      });
      expect(behind.stdout).toMatch(/^Links that have not renewed and would be cut off too: 1\n/m);
      expect(behind.stdout).toContain(`\n${other}  two  `);
    }
    const forced = await cut(id, '--continue', '3', '--force');
    expect(forced).toContain('Step 4 of 6');
    expect(forced).toContain(`\n${other}  two  `);
    expect(forced).toContain('--cut --continue 4 --force');
    expect((await renewOf('two')).code).toBe(0);
    expect(await cut(id)).toContain('Step 4 of 6');
    expect(await cut(id, '--continue', '3')).not.toContain('--force');
    expect(await cut(id, '--continue', '4')).toContain('Step 5 of 6');
    expect(await cut(id, '--continue', '5')).toContain('Step 6 of 6');
  });
});

describe('the last step of a cut', () => {
  it('dials the router, and ends when the router refuses a certificate of the old CA and accepts one of the new CA', async () => {
    await serve();
    const [id = ''] = await link('one');
    const old = await succeed('issuer', 'trust', SITE);
    const certificate = async (directory: string) => {
      const to = place.path(directory);
      await succeed('issuer', 'server-certificate', '--host', 'router.example.com', '--to', to);
      return readIdentity(to);
    };
    const before = await certificate('before');
    await cut(id);
    await cut(id, '--continue', '1');
    const both = await succeed('issuer', 'trust', SITE);
    const identity = await certificate('after');
    const [, file = ''] = /`cat (\S+)`/.exec(await cut(id, '--continue', '5')) ?? [];
    const alone = readFileSync(file, 'utf8');
    const dialed = async (router: Promise<OpensslRouter>, ...words: readonly string[]) => {
      const { port, close } = await router;
      const ended = await lastStep(id, port, ...words).finally(close);
      return { ...ended, ...(ended.code === 0 ? { error: '' } : refusalOf(ended)) };
    };
    const trusting = { code: 4, error: `the router at ${ROUTER} still trusts the old CA` };
    expect(await dialed(startOpensslRouter(identity, { clientCa: both }))).toMatchObject(trusting);
    // The observed state takes precedence over --continue and --force.
    expect(await dialed(startOpensslRouter(identity, { clientCa: both }), '--force')).toMatchObject(trusting);
    const unknown = {
      code: 4,
      error: expect.stringContaining('unknown whether a router still trusts the old CA'),
    };
    // The router presents a certificate of the old CA, or refuses every client.
    expect(await dialed(startOpensslRouter(before, { clientCa: alone }))).toMatchObject(unknown);
    expect(await dialed(startOpensslRouter(identity, { clientCa: old }))).toMatchObject(unknown);
    expect(await casOfSite()).toHaveLength(2);
    const ended = await dialed(startOpensslRouter(identity, { clientCa: alone }));
    expect(ended.stdout, ended.stderr).toMatch(/^Cut off: redemption /m);
    expect(ended.stdout).toContain(`\n  ${ROUTER}  refused: The router at ${ROUTER} refuses `);
    expect(await casOfSite()).toHaveLength(1);
    // A router that trusts only the present CA refuses the link.
    expect(await report('redemption', 'show', id)).toMatchObject({
      canStill: '-',
      remaining: expect.stringContaining('connect again only to a router that still trusts its retired CA'),
    });
    const others = (await report('redemption', 'list')).filter((one: { id: string }) => one.id !== id);
    expect(others.map(({ canStill }: { canStill: string }) => canStill)).not.toContain('-');
    const { incoming } = await report('link', 'status', '--dir', place.path('links'));
    expect(incoming).toContainEqual(expect.objectContaining({ redemptionId: id, canStill: '-' }));
  });

  it('needs --force if the router does not answer, and then reports that nothing was checked', async () => {
    const service = await serve();
    const [id = ''] = await link('one');
    await service.stop();
    expect(await cut(id)).toContain('Step 1 of 6');
    // The link that is cut off is the only one, so that no other link has to renew.
    for (const step of [1, 4, 5])
      expect(await cut(id, '--continue', String(step))).toContain(`Step ${Math.max(4, step + 1)} of 6`);
    const port = await freePort();
    expect(expectRefusal(await lastStep(id, port), 4).hint).toContain('--force');
    expect(await casOfSite()).toHaveLength(2);
    const forced = await lastStep(id, port, '--force');
    expect(forced.stdout, forced.stderr).toMatch(
      /^Not checked: whether each router refuses that certificate\.$/m,
    );
    expect(forced.stdout).not.toContain('Cut off');
    expect(await casOfSite()).toHaveLength(1);
    expect((await lastStep(id, port)).stdout).toContain('Done: responses to links no longer contain a CA');
    // The next command knows which CA signs, although no service has run since.
    expect(await succeed('issuer', 'prepare', SITE)).toContain('Prepared: linkgrant site CA 3');
  });
});

describe('a cut of a link whose CA is external', () => {
  it("follows the changes of the CA's files, and prints the next missing step", async () => {
    const [old, next] = [makeAuthority(openssl), makeAuthority(openssl, { subject: '/CN=next' })];
    const [cert, key] = [place.path('ca.crt'), place.path('ca.key')];
    const writeCa = (certificates: string, { key: keyPem }: { readonly key: string }) => {
      writeFileSync(cert, certificates);
      writeFileSync(key, keyPem, { mode: 0o600 });
    };
    writeCa(old.certificate, old);
    const issuer = ['--issuer-cert', cert, '--issuer-key', key];
    await serve(...issuer);
    const [id = ''] = await link('one', 'two');
    // Without its files the state of the external CA is unknown.
    expect(await refused('redemption', 'revoke', id, '--cut')).toMatchObject({
      code: 2,
      error: 'links are signed by the external CA "test authority" of the service (--issuer-cert)',
      hint: 'set --issuer-cert and --issuer-key for this command too',
    });

    expect(await cut(id, ...issuer)).toContain('Step 1 of 6');
    expect(await cut(id, '--continue', '1', ...issuer)).toContain('Step 2 of 6');
    expect(await refused('redemption', 'revoke', id, '--cut', '--continue', '2', ...issuer)).toMatchObject({
      code: 4,
      error: 'the old CA still signs',
    });
    writeCa(next.certificate + old.certificate, next);
    const behind = await cut(id, '--continue', '2', ...issuer);
    expect(behind).toContain('Step 3 of 6');
    expect(behind).toContain('Links that have not renewed and would be cut off too: 1\n');
    // The service checks the files of the CA once a second.
    await until(async () => {
      expect((await renewOf('two')).code).toBe(0);
      return (await onStore(['redemption', 'revoke', id, '--cut', '--continue', '3', ...issuer])).code === 0;
    });
    for (const step of [3, 4, 5])
      expect(await cut(id, '--continue', String(step), ...issuer)).toContain(`Step ${step + 1} of 6`);
    expect(await refused('redemption', 'revoke', id, '--cut', '--continue', '6', ...issuer)).toMatchObject({
      code: 4,
      error: 'responses to links still contain the old CA',
    });
    writeCa(next.certificate, next);
    const ended = await cut(id, '--continue', '6', ...issuer);
    // linkgrant does not have the key of the old CA, so it cannot check the router.
    expect(ended).toContain('Done: responses to links no longer contain a CA');
    expect(ended).toContain('Not checked: ');
  });
});
