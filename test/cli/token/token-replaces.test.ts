import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openAcceptingSite } from '../../support/accepting-site.js';
import { expectRefusal, expectSuccess, json, linkgrant } from '../../support/command-line.js';

const { place, data, run, report, issue, redeem } = await openAcceptingSite();

interface Shown {
  readonly id: string;
  readonly [member: string]: unknown;
}

const show = (id: string): Promise<Shown> => report('redemption', 'show', id);
const inspect = async (token: string) => json(await linkgrant(['token', 'inspect', token, '-o', 'json']));
const grants = async () =>
  (await report('grant', 'list', '-A')).map(({ name }: { name: string }) => name).sort() as string[];
/** Issues a token that replaces a link, into a file. */
async function replacing(link: string, ...words: readonly string[]): Promise<string> {
  const file = place.path(`${link}-${words.length}.yaml`);
  expectSuccess(await run('token', 'issue', file, '--replaces', link, ...words));
  return file;
}

/** Links a site with a token of a new grant. Returns its redemption. */
async function linked(site: string): Promise<Shown> {
  expectSuccess(await redeem(await issue(site), site, '--subject', site, '--renew'));
  const [{ id }] = await report('redemption', 'list', '--subject', site);
  return show(id);
}

describe('token issue --replaces', () => {
  it('links a site that lost its disk: same subject and name, labels and note, and both redemptions name the other', async () => {
    const old = await linked('berlin');
    await run('redemption', 'update', old.id, '--label', 'team=payments', '--note', 'the shop');
    const file = place.path('again.yaml');
    const { stderr } = expectSuccess(await run('token', 'issue', file, '--replaces', 'berlin'));
    expect(stderr).toContain(
      `When the token is redeemed, redemption ${old.id} is revoked: its link can connect until its certificate expires or the link is cut off\n`,
    );
    expect(stderr).toContain('only for subject "berlin"');
    expect((await inspect(file)).signed).toMatchObject({ subject: 'berlin', replaces: old.id });

    expectSuccess(await redeem(file, 'berlin-rebuilt'));
    const replaced = await show(old.id);
    const replacement = await show(String(replaced.replacedBy));
    expect(replacement).toMatchObject({
      ...{
        replaces: old.id,
        subject: 'berlin',
        name: 'berlin',
        labels: { team: 'payments' },
        note: 'the shop',
      },
      ledger: [{ kind: 'redeemed', replaces: old.id }],
    });
    expect(replaced).toMatchObject({
      revokedAt: expect.any(String),
      ledger: [{ kind: 'redeemed' }, { kind: 'revoked' }, { kind: 'replaced', replacedBy: replacement.id }],
    });
    const text = await run('redemption', 'show', old.id);
    expect(text.stdout).toMatch(new RegExp(`^Replaced by: +${replacement.id}$`, 'm'));
    expect((await run('redemption', 'show', replacement.id)).stdout).toMatch(
      new RegExp(`^Replaces: +${old.id}$`, 'm'),
    );
    expectSuccess(await run('ledger', 'verify'));

    // Old data directories, or a thief, still have the old link.
    const renewed = await linkgrant([
      ...['link', 'renew', '--all', '--within', '365d', '--dir', place.path('berlin', 'links')],
      ...['--data-dir', place.path('berlin')],
    ]);
    expect(renewed.code).toBe(3);
    expect(renewed.stderr).toContain('The link was replaced by a new one');
    // The same command for the new link succeeds, also after a repeated redemption.
    expectSuccess(await redeem(file, 'berlin-rebuilt'));
    expectSuccess(
      await linkgrant([
        ...['link', 'renew', 'berlin', '--dir', place.path('berlin-rebuilt', 'links'), '--yes'],
        ...['--data-dir', place.path('berlin-rebuilt')],
      ]),
    );
  });

  it('issues the token from a grant for a request of another common name, and accepts a revoked link', async () => {
    const old = await linked('paris');
    await run('redemption', 'revoke', old.id, '--keep-token');
    await run('grant', 'create', 'hub', '--redemptions-allowed', '5', '--expiration-window', '2h');
    const site = place.path('paris-rebuilt');
    const made = await linkgrant(['link', 'request', '--subject', 'anything', '--data-dir', site]);
    const request = place.path('paris.csr');
    writeFileSync(request, expectSuccess(made).stdout);
    const file = await replacing(old.id.slice(0, 8), '--grant', 'hub', '--request', request);
    expect((await inspect(file)).signed).toMatchObject({ subject: 'paris', keySha256: expect.any(String) });
    // A thief who reads the token cannot redeem it.
    expectRefusal(await redeem(file, 'thief'), 3);
    expect(await show(old.id)).not.toHaveProperty('replacedBy');
    expectSuccess(await redeem(file, 'paris-rebuilt'));
    const { replacedBy, revokedAt } = await show(old.id);
    expect(await show(String(replacedBy))).toMatchObject({ subject: 'paris', grant: 'hub' });
    expect(revokedAt).toBe(old.revokedAt ?? revokedAt);
    const again = await run('token', 'issue', '--replaces', old.id);
    expect(expectRefusal(again, 2).hint).toContain(`--replaces ${replacedBy}`);
  });

  it('shows in the list of tokens which link a token replaces, and revokes such a token', async () => {
    const old = await linked('rome');
    await run('grant', 'create', 'listed', '--redemptions-allowed', '5');
    const file = await replacing('rome', '--grant', 'listed');
    const [token] = await report('token', 'list', '--grant', 'listed');
    expect(token).toMatchObject({ replaces: old.id, subject: 'rome', state: 'ready' });
    expectSuccess(await run('token', 'revoke', token.id));
    expectRefusal(await redeem(file, 'rome-rebuilt'), 3);
    expect(await show(old.id)).not.toHaveProperty('revokedAt');
  });

  it('creates no grant in a dry run', async () => {
    await linked('oslo');
    const before = await grants();
    expectSuccess(await run('token', 'issue', '--replaces', 'oslo', '--dry-run'));
    expect(await grants()).toEqual(before);
  });

  it.each<[readonly string[], number, string]>([
    [['--replaces', 'nowhere'], 1, 'there is no redemption with the id or subject "nowhere"'],
    [['--replaces', '0b7e7dee-87ab-4f0e-9d5c-0d3b54b3f1c2'], 1, 'there is no redemption'],
    [['--replaces', 'vienna', '--subject', 'other'], 2, '--subject cannot be combined with --replaces'],
    [['--replaces', 'vienna', '--count', '2'], 2, 'for one link and one redemption'],
    [['--replaces', 'vienna', '--redemptions-allowed', '2'], 2, 'for one link and one redemption'],
    [['--replaces', 'vienna', '--code-file', 'f'], 2, '--code-file cannot be combined'],
    [['--replaces', 'vienna', '--subjects', 'other'], 2, 'does not allow the subject "vienna"'],
    [['--replaces', 'vienna', '--names', 'other'], 2, 'does not allow the link name "vienna"'],
    [['--replaces', 'vienna', '-n', 'other'], 2, 'is of namespace "default"'],
    [['--replaces', 'vienna', '--signing-key', 'f'], 2, 'it also cannot revoke a link'],
  ])('refuses %j, and creates nothing', async (words, code, reason) => {
    if ((await report('redemption', 'list', '--subject', 'vienna')).length === 0) await linked('vienna');
    const before = await grants();
    const withData = words.includes('--signing-key') ? [] : data;
    const ended = await linkgrant(['token', 'issue', ...words, ...withData]);
    expect(expectRefusal(ended, code).error).toContain(reason);
    expect(await grants()).toEqual(before);
  });
});
