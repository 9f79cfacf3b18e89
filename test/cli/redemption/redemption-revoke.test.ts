import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { type Ended, expectSuccess, refusedResult } from '../../support/command-line.js';
import { releaseAfterFile } from '../../support/release.js';
import { OpenSsl } from '../../unit/pki/openssl.js';

const SITE = 'skupper-site-ca';
const openssl = releaseAfterFile(new OpenSsl());
const { place, dataDir, run, report, issue, redeem } = await openAcceptingSite();
let links = 0;

const succeed = async (...words: readonly string[]) => expectSuccess(await run(...words)).stdout;
const refused = async (...words: readonly string[]) => refusedResult(await run(...words));

const shown = (noun: string, id: string) => report(noun, 'show', id);
const redemptions = (grant: string) => report('redemption', 'list', '--grant', grant);

interface Link {
  readonly id: string;
  readonly certificate: string;
  redeem(): Promise<Ended>;
}

/** Creates a link with a signed token that can be redeemed `uses` times. */
async function makeLink(grant: string, uses = 1): Promise<Link> {
  links += 1;
  const name = `link-${links}`;
  const token = await issue(name, '--grant', grant, '--redemptions-allowed', String(uses));
  let sites = 0;
  const redeemAgain = () => {
    sites += 1;
    return redeem(token, `${name}-${sites}`);
  };
  expectSuccess(await redeemAgain());
  const { id } = (await redemptions(grant)).at(-1);
  return { id, redeem: redeemAgain, certificate: (await shown('redemption', id)).certificate };
}

const makeGrant = (name: string) =>
  succeed('grant', 'create', name, '--redemptions-allowed', '20', '--expiration-window', '1d');

describe('the name of a redemption', () => {
  it('is its id, the beginning of its id, or its subject, if only one redemption has it', async () => {
    await makeGrant('named');
    const { id } = await makeLink('named');
    const { subject } = await shown('redemption', id);
    for (const name of [id, id.slice(0, 13), subject])
      expect(await shown('redemption', name)).toMatchObject({ id });
    expect(await succeed('redemption', 'revoke', subject, '--dry-run')).toContain(
      `Redemption ${id}, subject `,
    );
    expect(await refused('redemption', 'show', 'no-such-site')).toMatchObject({
      code: 1,
      error: 'there is no redemption with the id or subject "no-such-site"',
    });
  });

  it('can be a subject that is a UUID, such as the uid of a Site', async () => {
    const uid = '6f0c1a52-8a53-4f6e-9a3b-5b2f0a4d7c11';
    expectSuccess(await redeem(await issue('of-a-site'), 'of-a-site', '--subject', uid));
    expect(await shown('redemption', uid)).toMatchObject({ subject: uid, grant: 'of-a-site' });
    expect(await refused('redemption', 'show', uid.replace('6', '7'))).toMatchObject({ code: 1 });
    for (const words of [[], ['--cut']])
      expect(await succeed('redemption', 'revoke', uid, '--with-grant', ...words, '--dry-run')).toContain(
        uid,
      );
  });

  it('is refused with the ids if several redemptions have it, and nothing is changed', async () => {
    const token = await issue('twice', '--redemptions-allowed', '2');
    for (const home of ['twice-1', 'twice-2'])
      expectSuccess(await redeem(token, home, '--subject', 'two sites'));
    const ids = (await redemptions('twice')).map(({ id }: { id: string }) => id);
    for (const verb of ['show', 'revoke']) {
      const { code, error, hint } = await refused('redemption', verb, 'two sites');
      expect({ code, error }).toEqual({ code: 2, error: '"two sites" names 2 redemptions' });
      for (const id of ids) expect(hint).toContain(id);
    }
    for (const id of ids) expect(await shown('redemption', id)).not.toHaveProperty('revokedAt');
  });
});

describe('redemption revoke', () => {
  it('changes nothing until a choice is made about a token that can be redeemed again', async () => {
    await makeGrant('asked');
    const { id } = await makeLink('asked', 2);
    for (const [words, choices] of [
      [[], '--with-token, --with-grant, --keep-token'],
      [['--cut'], '--with-token, --with-grant'],
      [['--cut', '--keep-token'], '--with-token, --with-grant'],
    ] as const) {
      const { code, stdout, error, hint } = await refused('redemption', 'revoke', id, ...words);
      expect([code, stdout]).toEqual([2, '']);
      expect(error).toMatch(/^token \w+ of grant "asked" can be redeemed once more, until /);
      expect(hint).toBe(`nothing was changed; add one of these flags: ${choices}`);
    }
    expect(await shown('redemption', id)).not.toHaveProperty('revokedAt');
  });

  it.each([
    ['--with-token', 'code_revoked', 'ready'],
    ['--with-grant', 'grant_revoked', 'revoked'],
    ['--keep-token', undefined, 'ready'],
  ])(
    '%s decides whether the token and the grant can be redeemed again',
    async (choice, refusal, grantState) => {
      const grant = `chosen${choice}`;
      await makeGrant(grant);
      const [{ id, redeem }, other] = [await makeLink(grant, 2), await makeLink(grant)];
      const said = await succeed('redemption', 'revoke', id, choice);
      expect(said).toContain(`Redemption ${id}, subject `);
      expect(said).toMatch(/^Its link can still: connect until /m);
      expect(said).toContain(`: linkgrant redemption revoke ${id} --cut --data-dir ${dataDir}\n`);
      const again = await redeem();
      expect(again.code).toBe(refusal === undefined ? 0 : 3);
      if (refusal !== undefined) expect(again.stderr).toContain('revoked');
      expect((await shown('grant', grant)).state).toBe(grantState);
      expect(await shown('redemption', other.id)).not.toHaveProperty('revokedAt');
      // A revoked redemption can be revoked again, without a choice.
      expect(await succeed('redemption', 'revoke', id)).toContain('was already revoked');
    },
  );

  it('revokes several links with a note, and names each one that could not be revoked', async () => {
    await makeGrant('several');
    const [first, second, third] = [
      await makeLink('several'),
      await makeLink('several', 2),
      await makeLink('several'),
    ];
    const ids = [first.id, 'no-such-site', second.id, third.id];
    const ended = await run('redemption', 'revoke', ...ids, '--note', 'left the company');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('error: no-such-site: there is no redemption with the id or subject');
    expect(ended.stderr).toContain(`error: ${second.id}: token `);
    expect(ended.stderr).toMatch(
      /^error: 2 of 4 redemptions were not revoked\nhint: correct the causes above/m,
    );
    for (const { id } of [first, third]) {
      expect(ended.stdout).toContain(`Redemption ${id}, subject `);
      expect(await shown('redemption', id)).toMatchObject({
        note: 'left the company',
        revokedAt: expect.any(String),
      });
    }
    expect(await shown('redemption', second.id)).not.toHaveProperty('revokedAt');
    expect(await shown('redemption', second.id)).not.toHaveProperty('note');
    const again = await succeed('redemption', 'revoke', first.id, second.id, '--with-token');
    expect(again).toContain('was already revoked');
    expect(again).toContain(`Redemption ${second.id}, subject `);
    expect(again).not.toContain('--cut');
  });

  it('lists other links of the same token, which stay valid', async () => {
    await makeGrant('related');
    const { id, redeem } = await makeLink('related', 2);
    expect((await redeem()).code).toBe(0);
    const [, second] = await redemptions('related');
    const said = await succeed('redemption', 'revoke', id);
    expect(said).toMatch(/^Other links of the same token or subject stay valid/m);
    expect(said).toContain(second.id);
  });

  it.each([
    [['--with-token', '--with-grant'], '--with-token and --with-grant exclude each other'],
    [['--continue', '1'], '--continue is for --cut'],
    [['--router', 'podman'], '--router is for --cut'],
    [['--force'], '--force is for --cut'],
    [['--cut', '--note', 'why'], '--note cannot be combined with --cut'],
    [['other', '--cut'], '--cut cuts off one link at a time'],
    [['--cut', '--continue', '7'], '--continue cannot be 7: a cut has 6 steps'],
    [['--cut', '--router', 'nomad'], expect.stringContaining("argument 'nomad' is invalid")],
  ])('refuses %j before any change', async (words, error) => {
    const grant = `wrong${words.join('')}`;
    await makeGrant(grant);
    const { id } = await makeLink(grant);
    expect(await refused('redemption', 'revoke', id, ...words)).toMatchObject({ code: 2, stdout: '', error });
    expect(await shown('redemption', id)).not.toHaveProperty('revokedAt');
  });

  it('reports an unknown redemption', async () => {
    expect(await refused('redemption', 'revoke', 'nonsense')).toMatchObject({
      code: 1,
      error: 'there is no redemption with the id or subject "nonsense"',
    });
  });
});

describe('grant revoke', () => {
  it('retains links and reports their number; a later --cascade revokes them', async () => {
    await makeGrant('cascade');
    for (let count = 0; count < 2; count += 1) await makeLink('cascade');
    const said = await succeed('grant', 'revoke', 'cascade');
    expect(said).toContain('2 links of this grant stay valid and can be renewed');
    expect(said).toMatch(/linkgrant grant revoke cascade --cascade --data-dir \S+\n/);
    const revoked = async () =>
      (await redemptions('cascade')).map(({ revokedAt }: { revokedAt?: string }) => revokedAt !== undefined);
    expect(await revoked()).toEqual([false, false]);
    expect(await succeed('grant', 'revoke', 'cascade', '--cascade')).toContain('2 links also revoked');
    expect(await revoked()).toEqual([true, true]);
    expect(await succeed('ledger', 'verify')).toContain('The ledger is unchanged');
  });
});

describe('issuer crl', () => {
  const verdictOf = (certificate: string, list: string) => {
    const files = ['-CAfile', `${dataDir}/issuers/${SITE}/tls.crt`, '-CRLfile', list];
    const leaf = openssl.write('leaf.pem', certificate);
    const { ok, output } = openssl.try(['verify', '-x509_strict', '-crl_check', ...files, leaf]);
    return ok ? 'good' : (/depth lookup: (.+)/.exec(output)?.[1] ?? output);
  };

  it('lists exactly the revoked certificates, as OpenSSL verifies, with increasing CRL numbers', async () => {
    await makeGrant('listed');
    const [gone, stays] = [await makeLink('listed'), await makeLink('listed')];
    await succeed('redemption', 'revoke', gone.id);
    const file = place.path('crl.pem');
    const numbers: number[] = [];
    for (const days of ['1', '30']) {
      const ended = await run('issuer', 'crl', SITE, '--to', file, '--days', days);
      expect([ended.code, ended.stdout], ended.stderr).toEqual([0, '']);
      expect(ended.stderr).toMatch(/^linkgrant site CA: \d+ revoked certificates?$/m);
      numbers.push(Number(/^CRL number (\d+); /m.exec(ended.stderr)?.[1]));
      expect(verdictOf(gone.certificate, file)).toBe('certificate revoked');
      expect(verdictOf(stays.certificate, file)).toBe('good');
    }
    expect(numbers[1]).toBeGreaterThan(numbers[0] as number);
    expect((await succeed('issuer', 'crl', SITE)).split('BEGIN X509 CRL')).toHaveLength(2);
  });

  it.each([
    [['nope'], 2, 'there is no issuer "nope"'],
    [['linkgrant-server-ca'], 2, 'signs only the certificate of the service'],
    [[SITE, '--days', '0'], 2, '--days cannot be "0"'],
    [[SITE, '--to', '/nonexistent/list.pem'], 1, '"/nonexistent/list.pem" cannot be written'],
  ])('refuses %j', async (words, code, error) => {
    expect(await refused('issuer', 'crl', ...words)).toMatchObject({
      code,
      stdout: '',
      error: expect.stringContaining(error),
    });
  });

  it('does not replace a file that is not a CRL', async () => {
    const other = place.path('other.pem');
    writeFileSync(other, 'mine\n');
    expect((await refused('issuer', 'crl', SITE, '--to', other)).code).toBe(1);
    expect(readFileSync(other, 'utf8')).toBe('mine\n');
  });
});
