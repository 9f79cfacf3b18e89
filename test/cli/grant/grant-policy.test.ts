import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { expectRefusal, json, linkgrant, refusalOf } from '../../support/command-line.js';
import { expensiveGlobs } from '../../support/expensive-globs.js';
import { until } from '../../support/until.js';

const { place, service, run, report, issue, redeem } = await openAcceptingSite();

const RULES = [
  ...['--subjects', 'branch-*, hq', '--names', 'to-hub-*', '--source-cidrs', '127.0.0.0/8,2001:db8::/32'],
  ...['--key-types', 'p256,p384', '--certificate-lifetime', '48h', '--csr-required'],
  ...['--endpoint-roles', 'inter-router,inter-network'],
  ...['--not-before', '2020-01-31T08:00:00+01:00'],
];
const SETTINGS = {
  'linkgrant/subjects': 'branch-*,hq',
  'linkgrant/names': 'to-hub-*',
  'linkgrant/source-cidrs': '127.0.0.0/8,2001:db8::/32',
  'linkgrant/key-types': 'p256,p384',
  'linkgrant/endpoint-roles': 'inter-router,inter-network',
  'linkgrant/certificate-lifetime': '2d',
  'linkgrant/csr-required': 'true',
  'linkgrant/not-before': '2020-01-31T07:00:00Z',
};

const grant = (...words: readonly string[]) => run('grant', ...words);
const grantJson = (...words: readonly string[]) => report('grant', ...words);
const showGrant = (name: string) => grantJson('show', name);

async function refused(exitCode: number, ...words: readonly string[]) {
  const ended = await grant(...words);
  expect(ended.stdout).toBe('');
  return expectRefusal(ended, exitCode);
}

describe('grant policy', () => {
  it('grant create sets the policy by flags, and prints it as settings and as text', async () => {
    const created = await grantJson('create', 'full', ...RULES);
    expect(created.policy).toEqual(SETTINGS);
    expect((await showGrant('full')).policy).toEqual(SETTINGS);
    const { stdout } = await grant('show', 'full');
    expect(stdout).toMatch(/^Subjects: +branch-\*,hq$/m);
    expect(stdout).toMatch(/^Lifetime: +2d$/m);
    expect(stdout).toMatch(/^Begins: +2020-01-31T07:00:00Z$/m);
    expect(await grantJson('create', 'plain')).not.toHaveProperty('policy');
  });

  it.each([
    ['create', 'rsa', true],
    ['create', 'p384,ed25519', true],
    ['create', 'p256,rsa', false],
    ['update', 'rsa', true],
    ['update', 'rsa,p256', false],
  ] as const)(
    'grant %s --key-types %s warns that linkgrant cannot redeem: %s',
    async (command, keyTypes, warns) => {
      const name = `keys-${command}-${keyTypes.replaceAll(',', '-')}`;
      if (command === 'update') await grantJson('create', name);
      const { code, stderr } = await grant(command, name, '--key-types', keyTypes, '-o', 'json');
      expect([code, stderr]).toEqual([
        0,
        warns
          ? `warning: --key-types ${keyTypes} refuses the keys of \`linkgrant token redeem\`, \`linkgrant join\` and \`linkgrant link renew\`, which are p256\nhint: to permit them too, use --key-types ${keyTypes},p256\n`
          : '',
      ]);
    },
  );

  it('token issue sets the policy of the grant that it creates', async () => {
    await issue('issued', ...RULES);
    expect((await showGrant('issued')).policy).toEqual(SETTINGS);
  });

  it('permits no subject if --subjects is empty', async () => {
    await grantJson('create', 'no-subjects', '--subjects', '');
    expect((await showGrant('no-subjects')).policy).toEqual({ 'linkgrant/subjects': '' });
    expect((await grant('show', 'no-subjects')).stdout).toMatch(/^Subjects: +none$/m);
  });

  it('grant create, token issue and grant update refuse an invalid rule with the reason', async () => {
    const [name, rule] = ['wrong-value', ['--not-before', 'tomorrow']];
    const before = await showGrant('plain');
    const ends = await Promise.all([
      grant('create', name, ...rule),
      run('token', 'issue', place.path('wrong.yaml'), '--name', name, ...rule),
      grant('update', 'plain', ...rule),
    ]);
    for (const ended of ends) {
      const { error, hint } = expectRefusal(ended, 2);
      expect(error).toContain('--not-before is "tomorrow", which is not a time');
      expect(hint).toContain('docs/how-to/restrict-a-grant.md');
    }
    expect((await grant('show', name)).code).toBe(1);
    expect(await showGrant('plain')).toEqual(before);
  });

  it('grant create, token issue and grant update refuse globs that take long to match, and name the rule', async () => {
    const [name, rule] = ['slow-globs', ['--names', expensiveGlobs(10).join(',')]];
    const before = await showGrant('plain');
    const [created, issued, updated] = await Promise.all([
      grant('create', name, ...rule),
      run('token', 'issue', place.path('slow.yaml'), '--name', name, ...rule),
      grant('update', 'plain', ...rule),
    ]);
    const refusals = [expectRefusal(created, 2), expectRefusal(issued, 2), expectRefusal(updated, 1)];
    for (const { error } of refusals) {
      expect(error).toContain('linkgrant/names has globs that take too long to match');
    }
    expect((await grant('show', name)).code).toBe(1);
    expect(await showGrant('plain')).toEqual(before);
  });

  it('creates no grant that would expire before --not-before', async () => {
    const { error } = await refused(2, 'create', 'too-late', '--not-before', '2100-01-01T00:00:00Z');
    expect(error).toContain('would expire before its not-before time');
    expect((await grant('show', 'too-late')).code).toBe(1);
  });

  it('token issue names the flag for a longer expiration window, and --grant for a name that a grant has', async () => {
    const later = new Date(Date.now() + 25 * 3_600_000).toISOString();
    const issueAs = (name: string, ...words: readonly string[]) =>
      run('token', 'issue', place.path('window.yaml'), '--name', name, ...words);
    const short = expectRefusal(await issueAs('later', '--not-before', later), 2);
    expect(short.hint).toContain('--expiration-window');
    await grantJson('create', 'taken');
    const taken = expectRefusal(await issueAs('taken'), 2);
    expect(taken.hint).toContain('linkgrant token issue FILE --grant NAME');
  });

  it('names the shortest expiration window for --not-before, which is accepted', async () => {
    const tomorrow = new Date(Date.now() + 26 * 3_600_000).toISOString();
    const { error } = await refused(2, 'create', 'in-time', '--not-before', tomorrow);
    const [, window = ''] = /use at least (\S+)$/.exec(error) ?? [];
    expect(window).toMatch(/^1d2h[12]?m?$/);
    const created = await grantJson(
      'create',
      'in-time',
      '--not-before',
      tomorrow,
      '--expiration-window',
      window,
    );
    const spare = Date.parse(created.expirationTime) - Date.parse(tomorrow);
    expect(spare).toBeGreaterThan(30_000);
    expect(spare).toBeLessThan(150_000);
    const later = new Date(Date.parse(created.expirationTime) + 3_600_000).toISOString();
    const { error: short } = await refused(1, 'update', 'in-time', '--not-before', later);
    const [, longer = ''] = /use at least (\S+)$/.exec(short) ?? [];
    await grantJson('update', 'in-time', '--not-before', later, '--expiration-window', longer);
  });

  it('token issue refuses a policy with --grant', async () => {
    const ended = await run('token', 'issue', place.path('none.yaml'), '--csr-required', '--grant', 'plain');
    expect(expectRefusal(ended, 2).error).toContain('the policy flags cannot be combined with --grant');
  });
});

describe('grant update', () => {
  it('sets the given rules, removes the unset ones, and retains the rest', async () => {
    const { uid, code: _code, url: _url, ...made } = await grantJson('create', 'changed', ...RULES);
    const unset = 'names, csr-required,not-before,endpoint-roles';
    const words = ['--subjects', '', '--key-types', 'rsa', '--unset', unset];
    const policy = {
      'linkgrant/subjects': '',
      'linkgrant/source-cidrs': SETTINGS['linkgrant/source-cidrs'],
      'linkgrant/key-types': 'rsa',
      'linkgrant/certificate-lifetime': '2d',
    };
    expect(await grantJson('update', 'changed', ...words)).toEqual({ ...made, uid, policy });
    expect(await showGrant(uid)).toMatchObject({ ...made, uid, policy });
    const all = 'subjects,source-cidrs,key-types,certificate-lifetime';
    expect(await grantJson('update', uid, '--unset', all)).not.toHaveProperty('policy');
  });

  it('changes the number of uses and the expiration window, which begins when the grant was created', async () => {
    const { createdAt } = await grantJson('create', 'longer');
    const limits = ['--redemptions-allowed', '7', '--expiration-window', '2d'];
    const updated = await grantJson('update', 'longer', ...limits);
    expect(updated).toMatchObject({ redemptionsAllowed: 7, expirationWindow: '2d', state: 'ready' });
    expect(Date.parse(updated.expirationTime) - Date.parse(createdAt)).toBe(2 * 86_400_000);
    expect(await showGrant('longer')).toMatchObject(updated);
    expect((await grant('update', 'longer', '--redemptions-allowed', '8')).stdout).toMatch(
      /^Redemptions: +0 of 8$/m,
    );
  });

  it.each([
    [[], 'no change is given'],
    [['--redemptions-allowed', '0'], '--redemptions-allowed cannot be "0"'],
    [['--redemptions-allowed', '1000001'], 'from 1 to 1000000'],
    [['--expiration-window', '5000d'], 'at most 10 years'],
    [['--unset', 'subject'], 'unknown rule "subject"'],
    [['--unset', ''], 'unknown rule ""'],
    [['--unset', 'issuer'], 'unknown rule "issuer"'],
    [['--unset', 'names', '--names', 'a'], '--names and --unset'],
    [['--issuer', 'other-ca'], '--issuer'],
  ])('refuses %j with the reason, and changes nothing', async (words, reason) => {
    const before = await showGrant('plain');
    expect((await refused(2, 'update', 'plain', ...words)).error).toContain(reason);
    expect(await showGrant('plain')).toEqual(before);
  });

  it('does not reactivate a revoked grant', async () => {
    await grantJson('create', 'revoked');
    expect((await grant('revoke', 'revoked')).code).toBe(0);
    const { error } = await refused(1, 'update', 'revoked', '--expiration-window', '1d');
    expect(error).toContain('has ended (revoked), and cannot be reopened');
  });

  it('warns if --redemptions-allowed is not above the redemptions so far', async () => {
    const token = place.path('counted.yaml');
    await grantJson('create', 'counted', '--redemptions-allowed', '5', '--token', token);
    for (const site of ['one', 'two']) expect((await redeem(token, site)).code).toBe(0);
    const lowered = await grant('update', 'counted', '--redemptions-allowed', '1', '-o', 'json');
    expect(json(lowered)).toMatchObject({ state: 'exhausted', redemptionsAllowed: 1 });
    expect([lowered.code, lowered.stderr]).toEqual([
      0,
      'warning: --redemptions-allowed counts past redemptions too: grant "counted" was already redeemed 2 times, so with 1 it cannot be redeemed again\nhint: to allow one more redemption, use --redemptions-allowed 3\n',
    ]);
    const raised = await grant('update', 'counted', '--redemptions-allowed', '3', '-o', 'json');
    expect(json(raised)).toMatchObject({ state: 'ready' });
    expect(raised.stderr).toBe('');
  });

  it('reports an unknown grant', async () => {
    expect((await refused(1, 'update', 'nobody-made-it', '--names', 'a')).hint).toContain('grant list');
  });
});

describe('the holder of a token with a policy', () => {
  it('token inspect and doctor print the rules; token redeem is refused by a rule until it is changed', async () => {
    await grantJson('create', 'ruled', '--subjects', 'hq', '--certificate-lifetime', '12h');
    const token = await issue('ruled', '--grant', 'ruled');
    const checked = await linkgrant(['token', 'inspect', token, '--check']);
    expect(checked.stdout).toMatch(/^Subjects: +hq$/m);
    expect(json(await linkgrant(['token', 'inspect', token, '--check', '-o', 'json'])).check.policy).toEqual({
      'linkgrant/subjects': 'hq',
      'linkgrant/certificate-lifetime': '12h',
    });
    const examined = await linkgrant(['doctor', '--token', token, '--data-dir', place.path('site')]);
    expect(examined.stdout).toContain('Subjects: hq; Lifetime: 12h');
    const redeemAsBranch = () => redeem(token, 'site', '--subject', 'branch');
    expect(expectRefusal(await redeemAsBranch(), 3).hint).toContain('the subjects of the grant');
    // The service records a refusal after its response.
    await until(async () => (await showGrant('ruled')).attempts.length > 0);
    expect(await showGrant('ruled')).toMatchObject({
      redemptions: 0,
      attempts: [{ outcome: 'policy_subject' }],
    });
    await grantJson('update', 'ruled', '--subjects', 'hq,branch');
    expect((await redeemAsBranch()).code).toBe(0);
    const [redemption] = await report('redemption', 'list', '--grant', 'ruled');
    expect(Date.parse(redemption.notAfter) - Date.now()).toBeLessThanOrEqual(12 * 3_600_000);
    await until(() => service.said.stderr.includes('policy_subject'));
  });

  it.each([
    [
      'fails before --not-before',
      ['--not-before', new Date(Date.now() + 300_000).toISOString()],
      4,
      expect.stringContaining('cannot be redeemed before'),
    ],
    ['passes for --key-types rsa, the type that Skupper clients get', ['--key-types', 'rsa'], 0, ''],
  ] as const)('token inspect --check %s', async (_what, [flag, value], code, reason) => {
    const name = `inspect${flag}`;
    await grantJson('create', name, flag, value);
    const ended = await linkgrant(['token', 'inspect', await issue(name, '--grant', name), '--check']);
    expect([ended.code, ended.stderr]).toEqual([code, reason]);
  });

  it.each([
    {
      rule: 'subjects',
      rules: ['--subjects', 'hq'],
      allowed: ['--subject', 'hq'],
      change: '--subjects SUBJECTS,SUBJECT`',
    },
    {
      rule: 'names',
      rules: ['--names', 'to-hub-*'],
      allowed: ['--name', 'to-hub-1'],
      change: '--names NAMES,NAME`',
    },
    {
      rule: 'key-types',
      rules: ['--key-types', 'rsa'],
      change: '--key-types TYPES,p256',
      says: /generates p256\. It allows only: rsa\.$/,
    },
  ])('a dry run and doctor report the refusal of the redemption by $rule', async (refusedCase) => {
    const { rule, rules, allowed, change, says = /./ } = refusedCase;
    await grantJson('create', rule, ...rules);
    const token = await issue(`token-${rule}`, '--grant', rule);
    const dryRun = (...words: readonly string[]) => redeem(token, 'dry', '--dry-run', '-o', 'json', ...words);
    const examined = (...words: readonly string[]) =>
      linkgrant(['doctor', '--token', token, '--data-dir', place.path('dry'), '-o', 'json', ...words]);
    for (const checked of [await dryRun(), await examined()]) {
      expect(checked.code).toBe(3);
      const { error, hint } = refusalOf(await redeem(token, 'real'));
      expect(error).toMatch(says);
      expect(hint).toContain(`\`linkgrant grant update NAME ${change}`);
      const failed = json(checked).filter(({ status }: { status: string }) => status === 'fail');
      expect(failed).toMatchObject([{ name: 'redemption', detail: error }]);
    }
    if (!allowed) return;
    expect((await dryRun(...allowed)).code).toBe(0);
    expect((await examined(...allowed)).code).toBe(0);
    expect((await redeem(token, 'real', ...allowed)).code).toBe(0);
    // A repeated redemption returns the existing link, also if it requests what the grant refuses.
    expect((await redeem(token, 'real', '--dry-run')).code).toBe(0);
  });

  it('a token that is signed for one subject is refused for another, and the accepting side sees the attempt', async () => {
    await grantJson('create', 'signed-subject');
    const token = await issue('token-signed', '--grant', 'signed-subject', '--subject', 'hq');
    const other = ['--subject', 'branch'];
    const examine = linkgrant(['doctor', '--token', token, '--data-dir', place.path('dry'), ...other]);
    const dryRun = redeem(token, 'dry', '--dry-run', ...other);
    const only = 'the token "token-signed" is only for the subject "hq"';
    for (const checked of [await dryRun, await examine])
      expect(checked.stdout).toMatch(new RegExp(`^fail  redemption +${only}$`, 'm'));
    const unattended = ['--to', place.path('unattended'), '--data-dir', place.path('unattended')];
    const bootstrap = linkgrant(['bootstrap', '--token', token, ...unattended, ...other]);
    const ends = [await redeem(token, 'real', ...other), await bootstrap, await dryRun, await examine];
    for (const ended of ends) {
      expect(ended.code).toBe(3);
      expect(ended.stderr).toContain(`${only}\n`);
      expect(ended.stderr).toContain('or ask the operator of the accepting site for a token for "branch"');
    }
    // The service records a refusal after its response.
    await expect
      .poll(async () => (await grantJson('show', 'signed-subject')).attempts)
      .toMatchObject([{ outcome: 'policy_subject' }]);
    expect((await redeem(token, 'real')).code).toBe(0);
  });

  it('doctor names the command for the accepting side without flags of the requesting side', async () => {
    await grantJson('create', 'only-west', '--subjects', 'west');
    const token = await issue('token-only-west', '--grant', 'only-west');
    const words = ['--token', token, '--data-dir', place.path('dry'), '--subject', 'branch'];
    const { stdout, stderr } = await linkgrant(['doctor', ...words]);
    for (const text of [stdout, stderr])
      expect(text).toContain('`linkgrant grant update NAME --subjects SUBJECTS,SUBJECT`');
  });
});
