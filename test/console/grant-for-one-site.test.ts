import { expect, it } from 'vitest';
import { DAY, HOUR, MINUTE } from '../support/service.js';
import { expectAccessible } from './harness/browser.js';
import { openRefusals } from './harness/refusals.js';

const { running, page, goTo, refused, dialog, press, issue, joinAs, openRefusal, issueInDialog } =
  await openRefusals();
const { administration, service } = running;
const { clock } = service;
const NEXT_YEAR = new Date(Date.now() + 365 * DAY).toISOString().replace(/\.\d+/, '');

it.each([
  [
    'address',
    'source-cidrs',
    '10.0.0.0/8',
    'The source address is not allowed',
    'Allow 127.0.0.1',
    '127.0.0.1',
  ],
  ['subject', 'subjects', 'east', 'The subject is not allowed', 'Allow porto-subject', 'porto-subject'],
  ['key type', 'key-types', 'rsa', 'The key type is not allowed', 'Allow p256', 'p256'],
])(
  'creates a grant for a site alone that a rule refused for its %s, and leaves the rules of the other grant unchanged',
  async (what, rule, value, reason, button, ownValue) => {
    const subject = `porto-${rule === 'subjects' ? 'subject' : rule}`;
    const name = `open-${rule}`;
    const policy = { [`linkgrant/${rule}`]: value, 'linkgrant/certificate-lifetime': '30d' };
    const { grantUid, joinLine } = await issue(name, policy);
    expect(await joinAs(subject, joinLine)).toBe(3);
    await openRefusal(subject, name, reason);
    await refused.getByText('Allows less: only this site, once, for a day.').waitFor();
    const more = {
      address: 'at this address',
      subject: `that calls itself ${subject}`,
      'key type': 'with such a key',
    };
    await refused.getByText(`Allows any site ${more[what as keyof typeof more]}.`).waitFor();
    // The way that allows less comes first.
    expect(await refused.getByRole('button', { name: /^(Allow|Create) / }).allTextContents()).toEqual([
      `Create a grant for ${subject} alone`,
      button,
    ]);
    await expectAccessible(page);
    await press(`Create a grant for ${subject} alone`);
    await dialog.getByText(`Grant ${name} stays as it is`).waitFor();
    await expectAccessible(page);
    await press('Create, then issue a token');
    await page.getByRole('dialog', { name: `Issue a token of grant ${subject}` }).waitFor();
    const own = await issueInDialog();
    await goTo(`/grants/${grantUid}`);
    await refused
      .getByText(`A token for ${subject} is open`)
      .filter({ hasText: `of the grant ${subject}` })
      .waitFor();
    await refused.getByText('The token that it tried stays open.').waitFor();
    expect(await joinAs(subject, own)).toBe(0);
    const { uid } = await administration.findGrant('default', subject);
    expect(await administration.showGrant(uid)).toMatchObject({
      redemptionsAllowed: 1,
      expirationWindow: '1d',
      policy: { ...policy, [`linkgrant/${rule}`]: ownValue, 'linkgrant/subjects': subject },
    });
    expect((await administration.showGrant(grantUid)).policy).toEqual(policy);
  },
);

it('does not offer a change of the rule to a site whose token is for another subject, which the change does not let join', async () => {
  const policy = { 'linkgrant/subjects': 'shop-*,madrid' };
  const { joinLine, id } = await issue('for-madrid', policy, { subject: 'madrid' });
  expect(await joinAs('oslo', joinLine)).toBe(3);
  await openRefusal('oslo', 'for-madrid', 'The subject is not allowed');
  await refused.getByText(`with the token ${id}.`).waitFor();
  await refused
    .getByText(
      'allows only: shop-*, madrid. The token is only for the subject madrid. If the site is to join, create a grant for it.',
    )
    .waitFor();
  expect(await refused.getByRole('button', { name: 'Allow oslo' }).count()).toBe(0);
  expect(await refused.getByRole('link', { name: 'Issue a token for oslo' }).count()).toBe(0);
  await press('Create a grant for oslo alone');
  await press('Create, then issue a token');
  expect(await joinAs('oslo', await issueInDialog())).toBe(0);
});

it.each([
  ['a rule for link names, which could refuse the name of that grant', { 'linkgrant/names': '*-names' }],
  ['a rule for identities, whose sites redeem no token', { 'linkgrant/identities': 'ci:*' }],
  ['a rule that refuses tokens without a key', { 'linkgrant/identity-required': 'true' }],
  ['a rule that refuses every site until next year', { 'linkgrant/not-before': NEXT_YEAR }],
])('does not offer a grant for the site alone if the grant has %s', async (_what, rules) => {
  const name = Object.keys(rules)[0]?.replace('linkgrant/', 'with-') ?? '';
  const { grantUid, joinLine } = await issue(name, { 'linkgrant/source-cidrs': '10.0.0.0/8' });
  expect(await joinAs('faro', joinLine, name)).toBe(3);
  await administration.updateGrant(grantUid, { policy: rules, expirationWindow: '800d' });
  await goTo(`/grants/${grantUid}`);
  await refused.getByRole('button', { name: 'Allow 127.0.0.1' }).waitFor();
  await refused.getByText('allow its source address too').waitFor();
  expect(await refused.getByText('alone').count()).toBe(0);
});

it('keeps the dialog of a grant for the site alone open when the only refused site joins', async () => {
  const { grantUid, joinLine } = await issue('alone', { 'linkgrant/source-cidrs': '10.0.0.0/8' });
  expect(await joinAs('leiria', joinLine)).toBe(3);
  await goTo(`/grants/${grantUid}`);
  await press('Create a grant for leiria alone');
  await dialog.getByLabel('How many sites can join').fill('2');
  await administration.updateGrant(grantUid, { policy: { 'linkgrant/source-cidrs': '127.0.0.1' } });
  expect(await joinAs('leiria', joinLine)).toBe(0);
  await page
    .getByRole('region', { name: 'Refused sites', includeHidden: true })
    .waitFor({ state: 'detached' });
  expect(await dialog.getByLabel('How many sites can join').inputValue()).toBe('2');
});

it('does not propose the subject of a token that has ended', async () => {
  const { grantUid, joinLine, id } = await issue(
    'ended',
    { 'linkgrant/subjects': 'porto' },
    { subject: 'porto' },
  );
  expect(await joinAs('sines', joinLine)).toBe(3);
  await goTo(`/grants/${grantUid}`);
  await refused.getByText('Or let the site redeem with --subject and this other subject.').waitFor();
  await administration.revokeToken(grantUid, id);
  await refused.getByText('--subject').waitFor({ state: 'detached' });
  await refused.getByText('create a grant for it.').waitFor();
});

it('keeps the time from which the old grant could be redeemed if it is in the future', async () => {
  const { grantUid } = await issue(
    'later',
    { 'linkgrant/not-before': NEXT_YEAR },
    {},
    { expirationWindow: '800d' },
  );
  await administration.revokeGrant(grantUid, false);
  await goTo(`/grants/${grantUid}?issue=token&subject=viseu`);
  await dialog.getByText(`--not-before ${NEXT_YEAR}`).waitFor();
});

it('offers a grant for the site alone if a file declares the grant that refused it', async () => {
  const { grantUid, joinLine } = await issue('from-file', { 'linkgrant/source-cidrs': '10.0.0.0/8' });
  await service.store.updateGrant(grantUid, { sourceFile: 'AccessGrant-east.yaml' });
  expect(await joinAs('braga', joinLine)).toBe(3);
  await openRefusal('braga', 'from-file', 'The source address is not allowed');
  await refused.getByText('The file AccessGrant-east.yaml declares the grant').waitFor();
  await press('Create a grant for braga alone');
  await press('Create, then issue a token');
  expect(await joinAs('braga', await issueInDialog())).toBe(0);
});

it('creates a grant for a site whose grant has expired, then issues a token', async () => {
  const { joinLine } = await issue('short', undefined, {}, { expirationWindow: '1h' });
  clock.advance(2 * HOUR);
  expect(await joinAs('rome', joinLine, 'short')).toBe(3);
  await openRefusal('rome', 'short', 'The grant has expired');
  await refused.getByRole('link', { name: 'Issue a token for rome' }).click();
  await page.getByRole('dialog', { name: 'Create a grant for rome' }).waitFor();
  expect(await dialog.getByText('The present link').count()).toBe(0);
  await press('Create, then issue a token');
  await page.getByRole('dialog', { name: /^Issue a token of grant rome/ }).waitFor();
  const issued = await issueInDialog();
  await openRefusal('rome', 'short', 'The grant has expired');
  await refused.getByText('A token for rome is open').filter({ hasText: 'of the grant rome' }).waitFor();
  expect(await joinAs('rome', issued, 'short')).toBe(0);
  // The site has joined through another grant than the one that refused it.
  await refused.getByText('rome has joined since, by the grant rome').waitFor();
  expect(await refused.getByRole('link', { name: /token for rome/ }).count()).toBe(0);
  await expectAccessible(page);
  await goTo('/');
  const row = page.getByRole('row').filter({ hasText: 'The grant has expired' }).filter({ hasText: 'rome' });
  await row.getByText('has joined since').waitFor();
  await row.getByRole('link', { name: 'rome', exact: true }).first().click();
  await page.getByRole('heading', { name: 'Link of rome' }).waitFor();
});

it('proposes a name that no grant has, and a day, for the grant of one site', async () => {
  await running.createGrant({ name: 'lagos' });
  await running.createGrant({ name: 'lagos-2' });
  const { joinLine } = await issue('brief', undefined, {}, { expirationWindow: '1h' });
  clock.advance(2 * HOUR);
  expect(await joinAs('lagos', joinLine, 'brief')).toBe(3);
  await openRefusal('lagos', 'brief', 'The grant has expired');
  await refused.getByRole('link', { name: 'Issue a token for lagos' }).click();
  await page.getByRole('dialog', { name: 'Create a grant for lagos' }).waitFor();
  await expect.poll(() => dialog.getByLabel('Name').first().inputValue()).toBe('lagos-3');
  expect(await dialog.getByLabel('How long it can be redeemed').inputValue()).toBe('1d');
  await press('Create, then issue a token');
  expect(await joinAs('lagos', await issueInDialog(), 'brief')).toBe(0);
});

it.each([
  ['a day', 'long', '7d', DAY],
  ['until the grant expires, if that is earlier', 'hours', '3h', 3 * HOUR],
])('issues a token for a waiting site that lasts %s', async (_what, name, expirationWindow, lifetime) => {
  const site = `evora-${name}`;
  const { grantUid, joinLine } = await issue(
    name,
    undefined,
    { expirationWindow: '1m' },
    { expirationWindow },
  );
  clock.advance(2 * MINUTE);
  expect(await joinAs(site, joinLine, name)).toBe(3);
  const { expirationTime: end = '' } = await administration.showGrant(grantUid);
  await openRefusal(site, name, 'The token has expired');
  await refused.getByRole('link', { name: `Issue a token for ${site}` }).click();
  expect(await dialog.getByLabel('How long it can be redeemed').inputValue()).toBe('1d');
  const issuedAt = clock.read();
  await issueInDialog();
  const { items } = await administration.listTokens({ limit: 10, grantUid, state: 'ready' });
  const expected = Math.min(issuedAt + lifetime, Date.parse(end));
  // The times of a token are whole seconds, and the clock advances while the dialog issues it.
  const late = Date.parse(items.find(({ subject }) => subject === site)?.expirationTime ?? '') - expected;
  expect(Math.abs(late)).toBeLessThan(MINUTE);
});

it('leaves the lifetime of a token to the grant if the dialog is opened for no site', async () => {
  const { grantUid } = await issue('for-any', undefined);
  await goTo(`/grants/${grantUid}`);
  await press('Issue a token');
  expect(await dialog.getByLabel('How long it can be redeemed').inputValue()).toBe('');
});
