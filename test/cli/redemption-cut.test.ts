import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fate, run } from '../chaos/commands.js';
import { json, linkgrant, refusalOf, Workplace } from '../support/command-line.js';
import { makeAuthority, OpenSsl } from '../unit/pki/openssl.js';

const MINUTE_MS = 60_000;
const SITE = 'skupper-site-ca';
const openssl = new OpenSsl();
afterAll(() => openssl.remove());

let place: Workplace;
let data: string;
beforeEach(() => {
  place = new Workplace();
  data = place.path('data');
});
afterEach(() => place.remove());

/** A command on the store, a minute from now unless it is said otherwise. */
const onStore = (words: readonly string[], fate: Fate = {}) =>
  run([...words, '--data-dir', data], { clockOffsetMs: MINUTE_MS, ...fate });

async function succeed(...words: readonly string[]): Promise<string> {
  const ended = await onStore(words);
  expect(ended.code, ended.stderr).toBe(0);
  return ended.stdout;
}

/** The last step of a cut, when services have taken up what was changed before. */
async function expectCutOff(id: string): Promise<void> {
  const words = ['redemption', 'revoke', id, '--cut', '--continue'];
  const ended = await onStore(words, { clockOffsetMs: 3 * MINUTE_MS });
  expect(ended.stdout, ended.stderr).toContain('Cut off: ');
}

async function refused(...words: readonly string[]) {
  const ended = await onStore(words);
  return { code: ended.code, stdout: ended.stdout, ...refusalOf(ended) };
}

const serve = (...words: readonly string[]) =>
  place.serve(['--data-dir', data, '--endpoint', 'inter-router=router.example.com:55671', ...words]);
const renewOf = (name: string) =>
  linkgrant(['link', 'renew', name, '--dir', place.path('links'), '--data-dir', place.path(name)]);

/** Redeems a token of its own for each name; gives the ids of the redemptions. */
async function link(...names: readonly string[]): Promise<string[]> {
  for (const name of names) {
    const token = place.path(`${name}.yaml`);
    await succeed('token', 'issue', token, '--name', name);
    const to = ['--to', place.path('links'), '--data-dir', place.path(name)];
    const redeemed = await linkgrant(['token', 'redeem', token, '--renew', ...to]);
    expect(redeemed.code, redeemed.stderr).toBe(0);
  }
  return json(await linkgrant(['redemption', 'list', '-o', 'json', '--data-dir', data])).map(
    ({ id }: { readonly id: string }) => id,
  );
}

describe('--continue', () => {
  it('passes over no step that was not told: at the beginning, when links have renewed meanwhile, or after a crash', async () => {
    await serve();
    const [id = ''] = await link('one', 'two');
    const cut = (...words: readonly string[]) => succeed('redemption', 'revoke', id, '--cut', ...words);
    expect(await cut('--continue')).toContain('Step 1 of 6');
    const issuers = JSON.parse(await succeed('issuer', 'list', '-o', 'json'));
    expect(issuers.filter(({ issuer }: { readonly issuer: string }) => issuer === SITE)).toMatchObject([
      { state: 'active', subject: 'linkgrant site CA' },
      { state: 'prepared' },
    ]);
    expect(await cut('--continue')).toContain('Step 3 of 6');
    expect((await renewOf('two')).code).toBe(0);
    expect(await cut('--continue')).toContain('Step 4 of 6');
    const words = ['redemption', 'revoke', id, '--cut', '--continue'];
    expect((await onStore(words, { killedAt: 'cut-noted' })).signal).toBe('SIGKILL');
    expect(await cut('--continue')).toContain('Step 5 of 6');
    expect(await cut()).toContain('Step 5 of 6');
    expect(await cut('--continue')).toContain('Step 6 of 6');
    await expectCutOff(id);
    await expectCutOff(id);
  });
});

describe('a cut while no service runs', () => {
  it('lets the next command know which CA signs', async () => {
    const service = await serve();
    const [id = ''] = await link('one');
    await service.stop();
    const cut = () => succeed('redemption', 'revoke', id, '--cut', '--continue');
    // The link that is cut off is the only one, so nobody has to renew.
    for (const step of [1, 4, 5, 6]) expect(await cut()).toContain(`Step ${step} of 6`);
    await expectCutOff(id);
    expect(await succeed('issuer', 'prepare', SITE)).toContain('Prepared: linkgrant site CA 3');
  });
});

describe('a cut of a link whose CA was given', () => {
  it('follows what its owner does to the files, and says what is not done yet', async () => {
    const [old, next] = [makeAuthority(openssl), makeAuthority(openssl, { subject: '/CN=next' })];
    const [cert, key] = [place.path('ca.crt'), place.path('ca.key')];
    const give = (certificates: string, { key: keyPem }: { readonly key: string }) => {
      writeFileSync(cert, certificates);
      writeFileSync(key, keyPem, { mode: 0o600 });
    };
    give(old.certificate, old);
    const given = ['--issuer-cert', cert, '--issuer-key', key];
    await serve(...given);
    const [id = ''] = await link('one', 'two');
    const revoke = ['redemption', 'revoke', id, '--cut'];
    // Without its files nothing is known of that CA, least of all that it is gone.
    expect(await refused(...revoke)).toMatchObject({
      code: 2,
      error: 'links are signed by "test authority", which the service was given (--issuer-cert)',
      hint: 'give --issuer-cert and --issuer-key here too',
    });

    expect(await succeed(...revoke, ...given)).toContain('Step 1 of 6');
    expect(await succeed(...revoke, '--continue', ...given)).toContain('Step 2 of 6');
    expect(await refused(...revoke, '--continue', ...given)).toMatchObject({
      code: 4,
      error: 'the old CA signs still',
    });
    give(next.certificate + old.certificate, next);
    const behind = await succeed(...revoke, '--continue', ...given);
    expect(behind).toContain('Step 3 of 6');
    expect(behind).toContain('Other links whose certificate is of the old CA: 1\n');
    expect((await renewOf('two')).code).toBe(0);
    for (const step of [4, 5, 6])
      expect(await succeed(...revoke, '--continue', ...given)).toContain(`Step ${step} of 6`);
    expect(await refused(...revoke, '--continue', ...given)).toMatchObject({
      code: 4,
      error: 'answers to links trust the old CA still',
    });
    give(next.certificate, next);
    expect(await succeed(...revoke, '--continue', ...given)).toContain('Cut off: ');
  });
});
