import { expect, it } from 'vitest';
import { MINUTE } from '../support/service.js';
import { post } from '../support/wire.js';
import { expectAccessible } from './harness/browser.js';
import { openRefusals } from './harness/refusals.js';

const { running, page, goTo, refused, dialog, press, issue, joinAs, openRefusal, issueInDialog } =
  await openRefusals();
const { administration, service } = running;
const { clock } = service;

/** The advice on a refusal by a rule that was changed since, if it is not the usual one. */
const ADVICE_AFTER_CHANGE: Readonly<Record<string, string>> = {
  subjects: 'The grant allows this subject',
  'key-types': 'The grant allows the keys of linkgrant',
};

it.each([
  ['a subject', 'subjects', 'east,london', 'The subject is not allowed', 'Allow paris', 'east,london,paris'],
  ['a link name', 'names', 'to-*', 'The link name is not allowed', 'Allow ruled-names', 'to-*,ruled-names'],
  [
    ...(['an address', 'source-cidrs', '10.0.0.0/8', 'The source address is not allowed'] as const),
    ...(['Allow 127.0.0.1', '10.0.0.0/8,127.0.0.1'] as const),
  ],
  ['a type of keys', 'key-types', 'rsa', 'The key type is not allowed', 'Allow p256', 'rsa,p256'],
])(
  'lets a site join that a rule of the grant refused for %s, with two clicks from the Overview',
  async (_what, rule, value, reason, button, allowed) => {
    const name = `ruled-${rule}`;
    const { grantUid, joinLine } = await issue(name, { [`linkgrant/${rule}`]: value });
    expect(await joinAs('paris', joinLine, name)).toBe(3);
    await openRefusal('paris', name, reason);
    const command = `npx linkgrant grant update ${name} --namespace default --${rule}`;
    await refused.getByText(command).filter({ hasText: allowed }).first().waitFor();
    await expectAccessible(page);
    await press(button);
    await refused.getByText(ADVICE_AFTER_CHANGE[rule] ?? 'The grant allows it now').waitFor();
    expect((await administration.showGrant(grantUid)).policy).toEqual({ [`linkgrant/${rule}`]: allowed });
    expect(await joinAs('paris', joinLine, name)).toBe(0);
    await refused.waitFor({ state: 'detached' });
  },
);

it.each([
  ['a comma', 'oslo,rome'],
  ['a wildcard', 'oslo*'],
  ['white space at its end', 'oslo\u00a0'],
])(
  'does not offer to allow a subject with %s, which the rule would read as others',
  async (what, subject) => {
    const name = `read-as-${what.split(' ').at(-1)}`;
    const { grant, code } = await service.grant({ name, policy: { subjects: ['east'] } });
    // HTTP headers have Latin-1 characters, so this is the subject in UTF-8.
    const headers = { subject: Buffer.from(subject).toString('latin1') };
    expect((await post(service, `/${grant.uid}`, code, { headers })).status).not.toBe(200);
    await goTo(`/grants/${grant.uid}`);
    await refused.getByText('allow its subject too').waitFor();
    expect(await refused.getByRole('button', { name: /^Allow/ }).count()).toBe(0);
  },
);

it('shows a rule with a backtick as it is, and the whole name of a button with a long subject', async () => {
  const { grant, code } = await service.grant({ name: 'long', policy: { subjects: ['a`b'] } });
  await post(service, `/${grant.uid}`, code, { headers: { subject: 'x'.repeat(250) } });
  await goTo(`/grants/${grant.uid}`);
  await refused.getByText('allows only: a`b.').waitFor();
  for (const name of [/^Create a grant for x+ alone$/, /^Allow x+$/]) {
    const button = refused.getByRole('button', { name });
    expect(await button.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
  }
});

it('names in the list of refusals each site with its grant, and leads to all refusals', async () => {
  const { joinLine } = await issue('listed', { 'linkgrant/subjects': 'east' });
  for (const subject of ['rome', 'rome', 'oslo']) expect(await joinAs(subject, joinLine)).toBe(3);
  await goTo('/');
  const table = page.getByRole('table', { name: 'The last refusals, newest first' });
  const rows = table.locator('tbody tr');
  await expect.poll(() => rows.first().textContent()).toMatch(/oslo.*listed.*not allowed.*1/);
  await expect.poll(() => rows.nth(1).textContent()).toMatch(/rome.*listed.*not allowed.*2/);
  expect(await rows.count()).toBeLessThanOrEqual(5);
  await expectAccessible(page);
  await page.getByRole('link', { name: 'All refusals' }).click();
  await page.getByRole('row').filter({ hasText: 'rome' }).getByText('(2 times)').waitFor();
});

it('leads from a search for a site that could not join to its refusals', async () => {
  const { joinLine, id } = await issue('sought', { 'linkgrant/subjects': 'east' });
  expect(await joinAs('madrid-2', joinLine)).toBe(3);
  await goTo('/links?search=madrid');
  await page.getByRole('link', { name: 'its refusals' }).click();
  await page
    .getByRole('row')
    .filter({ hasText: 'madrid-2' })
    .filter({ hasText: `Token ${id}` })
    .getByText('The subject is not allowed')
    .waitFor();
});

it('leads from the number of open tokens, and from the page Grants, to these tokens', async () => {
  const { grantUid, id } = await issue('opened', undefined, { subject: 'lima' });
  const revoked = await administration.issueToken({ grantUid });
  await administration.revokeToken(grantUid, revoked.id ?? '');
  await goTo('/');
  await page.getByRole('link', { name: 'Open tokens' }).click();
  const row = page.getByRole('row').filter({ hasText: id });
  await row.getByRole('cell', { name: 'lima' }).waitFor();
  expect(await page.getByText(revoked.id ?? '').count()).toBe(0);
  await expectAccessible(page);
  await row.getByRole('link', { name: 'opened', exact: true }).click();
  await page.getByRole('heading', { name: 'Grant opened' }).waitFor();
  await goTo('/grants');
  await page.getByRole('link', { name: 'Open tokens of all grants' }).click();
  await row.waitFor();
});

it.each([
  [
    'for another subject',
    { subject: 'london' },
    'The subject is not allowed',
    'The token is only for the subject london. If the site is to join, issue a token for it.',
  ],
  ['that has expired', { expirationWindow: '1m' }, 'The token has expired', 'Issue a new token'],
  ['that is used up', {}, 'The token is used up', 'Issue a new token'],
  ['that was revoked', {}, 'The token is revoked', 'The token was revoked. If the site is to join'],
])('leads to a new token for a site whose token is one %s', async (what, token, reason, advice) => {
  const name = `token-${what.split(' ').at(-1)}`;
  const { grantUid, joinLine, id } = await issue(name, undefined, token);
  if (what.endsWith('used up')) expect(await joinAs('first', joinLine, `${name}-first`)).toBe(0);
  if (what.endsWith('revoked')) await administration.revokeToken(grantUid, id);
  if (what.endsWith('expired')) clock.advance(2 * MINUTE);
  expect(await joinAs('paris', joinLine, name)).toBe(3);
  await openRefusal('paris', name, reason);
  await refused.getByText(new RegExp(advice, 'i')).waitFor();
  await refused.getByText(`from 127.0.0.1 with the token ${id}.`).waitFor();
  await refused.getByRole('link', { name: 'Issue a token for paris' }).click();
  expect(await dialog.getByLabel('Only for the subject').inputValue()).toBe('paris');
  const issued = await issueInDialog();
  await refused
    .getByText('A token for paris is open')
    .filter({ hasText: `of the grant ${name}` })
    .waitFor();
  await refused.getByRole('link', { name: 'Issue another token for paris', includeHidden: true }).waitFor();
  expect(await joinAs('paris', issued, name)).toBe(0);
  await dialog.getByText('paris has redeemed the token').waitFor();
});

it('does not name an open token that the grant refuses because it is only for identities', async () => {
  const { grantUid, joinLine } = await issue('fleet', undefined, { subject: 'paris' });
  const policy = { 'linkgrant/identities': 'ci:*', 'linkgrant/identity-required': 'true' };
  await administration.updateGrant(grantUid, { policy });
  expect(await joinAs('paris', joinLine, 'fleet')).toBe(3);
  await openRefusal('paris', 'fleet', 'The grant is only for identities');
  await page.waitForLoadState('networkidle');
  await refused.getByRole('link', { name: 'Issue a token for paris' }).waitFor();
  expect(await refused.getByText('is open').count()).toBe(0);
});

it('adds a site to a used up grant, so that a token with a use left can be redeemed', async () => {
  const { grantUid, joinLine } = await issue('full', undefined, {}, { redemptionsAllowed: 1 });
  const other = await administration.issueToken({ grantUid });
  expect(await joinAs('first', other.joinLine ?? '', 'full-first')).toBe(0);
  expect(await joinAs('paris', joinLine, 'full')).toBe(3);
  await openRefusal('paris', 'full', 'The grant is used up');
  await refused.getByRole('button', { name: 'Add 1 site' }).click();
  await refused.getByText('The grant allows it now').waitFor();
  expect(await joinAs('paris', joinLine, 'full')).toBe(0);
});

it('removes the rule that refuses sites whose key the service generates', async () => {
  const { grant, code } = await service.grant({ name: 'own-key', policy: { csrRequired: true } });
  const redeem = () => post(service, `/${grant.uid}`, code);
  expect((await redeem()).status).not.toBe(200);
  await openRefusal('own-key', 'own-key', 'The site did not generate its key itself');
  await refused.getByText('Let the site redeem its token with linkgrant').waitFor();
  await press('Remove the rule');
  await refused.getByText('The grant allows it now').waitFor();
  expect((await redeem()).status).toBe(200);
});

it('leads from a wrong code to a new token of the grant', async () => {
  const { grantUid } = await issue('mangled', undefined);
  expect((await post(service, `/${grantUid}`, 'not-the-code')).status).not.toBe(200);
  await expect
    .poll(async () => (await administration.showGrant(grantUid)).wrongCodes?.count, { timeout: 30_000 })
    .toBe(1);
  await goTo('/');
  await page.getByText('Let it copy the token again as a whole').waitFor();
  await page.getByRole('listitem').getByRole('link', { name: 'mangled', exact: true }).click();
  await refused.getByText('The code of its token is wrong').waitFor();
  await expectAccessible(page);
  await refused.getByRole('link', { name: 'Issue a token' }).click();
  expect(await joinAs('paris', await issueInDialog(), 'mangled')).toBe(0);
});

it('says what to do if the service has no endpoint', async () => {
  const grantUid = await running.createGrant({ name: 'closed' });
  const request = { grantUid, name: 'closed', subject: 'bergen', peer: '192.0.2.1' };
  await service.store.recordRefusal({ ...request, code: 'link_access_unavailable' }, clock.read());
  await openRefusal('bergen', 'closed', 'This site accepts no links');
  await refused.getByText('Enable link access, or start the service with --endpoint.').waitFor();
});

it('changes the rule of the grant in the dialog of a token whose subject it excludes, and issues the token', async () => {
  const grantUid = await running.createGrant({ name: 'strict', policy: { 'linkgrant/subjects': 'east' } });
  await goTo(`/grants/${grantUid}`);
  await page.getByRole('definition').getByText('Only these subjects may redeem it: east.').waitFor();
  await press('Issue a token');
  await dialog.getByLabel('Only for the subject').fill('paris');
  await press('Issue the token');
  await dialog.getByText('or allow this one with the rule "Subjects" of the grant').waitFor();
  expect(await dialog.textContent()).not.toContain('with --subjects');
  await expectAccessible(page);
  const line = await issueInDialog('Allow paris, and issue the token');
  expect(await joinAs('paris', line, 'strict')).toBe(0);
});

it('offers no change of a grant that a file declares, and names the file', async () => {
  const { grant, code } = await service.grant({ name: 'declared', policy: { subjects: ['east'] } });
  await service.store.updateGrant(grant.uid, { sourceFile: 'AccessGrant-west.yaml' });
  await post(service, `/${grant.uid}`, code);
  await openRefusal('declared', 'declared', 'The subject is not allowed');
  await refused.getByText('The file AccessGrant-west.yaml declares the grant, so change it there.').waitFor();
  expect(await refused.getByRole('button', { name: /Allow/ }).count()).toBe(0);
});
