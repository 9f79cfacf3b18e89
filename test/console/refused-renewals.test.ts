import { expect, it } from 'vitest';
import { expectAccessible } from './harness/browser.js';
import { openRefusals } from './harness/refusals.js';

const { page, goTo, dialog, running, refused, press, issue, joinAs, renewAs, openRefusal } =
  await openRefusals();
const { administration } = running;

it('offers no token to a site whose link was revoked, and leads to this link', async () => {
  const { grantUid, joinLine } = await issue('left', undefined);
  expect(await joinAs('bergen', joinLine)).toBe(0);
  const { items } = await administration.listRedemptions({ limit: 10, grantUid });
  await administration.revokeRedemption(items[0]?.id ?? '', undefined, 'has left');
  expect(await renewAs('bergen', 'left')).toBe(3);
  await openRefusal('bergen', 'left', 'The link is revoked');
  await refused.getByText('An operator revoked the link of this site.').waitFor();
  expect(await refused.getByRole('link', { name: /^Issue/ }).count()).toBe(0);
  await expectAccessible(page);
  await refused.getByText('The link of bergen was revoked at').waitFor();
  await refused.getByRole('link', { name: 'bergen' }).click();
  await page.getByText('has left').waitFor();
});

it('says that the link of a site was revoked that tries a token of another grant', async () => {
  const { grantUid, joinLine } = await issue('thrown-out', undefined);
  expect(await joinAs('turku', joinLine)).toBe(0);
  const { items } = await administration.listRedemptions({ limit: 10, grantUid });
  await administration.revokeRedemption(items[0]?.id ?? '');
  const other = await issue('for-others', { 'linkgrant/subjects': 'others-*' });
  expect(await joinAs('turku', other.joinLine, 'turku-again')).toBe(3);
  await openRefusal('turku', 'for-others', 'The subject is not allowed');
  await refused.getByText('let the site join only if it is to come back').waitFor();
});

it('changes the rule of a revoked grant so that a site can renew its link, and then says that it has', async () => {
  const { grantUid, joinLine } = await issue('closed', undefined);
  expect(await joinAs('oulu', joinLine)).toBe(0);
  await administration.updateGrant(grantUid, { policy: { 'linkgrant/source-cidrs': '10.0.0.0/8' } });
  await administration.revokeGrant(grantUid, false);
  expect(await renewAs('oulu', 'closed')).toBe(3);
  await openRefusal('oulu', 'closed', 'The source address is not allowed');
  await refused.getByText('oulu has a link, so this can be a renewal that was refused.').waitFor();
  await refused.getByText('If the site has a link and renews it, allow its source address too.').waitFor();
  await expectAccessible(page);
  await press('Allow 127.0.0.1');
  await refused.getByText('If the site has a link, it can renew it now.').waitFor();
  expect(await renewAs('oulu', 'closed')).toBe(0);
  await refused.getByText('oulu has renewed its link since').waitFor();
});

it('names before a cut, and on the pages of the link and the grant, the links whose renewal a rule refuses', async () => {
  const { grantUid, joinLine } = await issue('mixed', undefined, {}, { redemptionsAllowed: 3 });
  const other = await administration.issueToken({ grantUid, redemptionsAllowed: 2 });
  expect(await joinAs('leaver', joinLine)).toBe(0);
  for (const subject of ['bodo', 'alta']) expect(await joinAs(subject, other.joinLine ?? '')).toBe(0);
  await administration.updateGrant(grantUid, { policy: { 'linkgrant/source-cidrs': '10.0.0.0/8' } });
  const link = async (subject: string) => {
    const { items } = await administration.listLinks({ limit: 10, search: subject });
    return `/links/${items[0]?.id}`;
  };
  const title = (count: string) => `The rules of grant mixed refuse the renewal of ${count}`;
  for (const path of [await link('alta'), `/grants/${grantUid}`]) {
    await goTo(path);
    await page.getByText(title(path.startsWith('/links') ? '1 link' : '3 links')).waitFor();
    await page.getByText('allows only: 10.0.0.0/8').first().waitFor();
    await expectAccessible(page);
  }
  await goTo(await link('leaver'));
  await press('Revoke or cut off');
  await dialog.getByLabel('Cut off:').check();
  await dialog.getByText('other links must renew before the last step').waitFor();
  await dialog.getByText(title('2 links')).waitFor();
  await dialog.getByText('alta (last address 127.0.0.1)').waitFor();
  expect(await dialog.getByText('leaver (last address').count()).toBe(0);
  await expectAccessible(page);
  await press('Revoke, then cut off');
  await dialog.getByText('Revoked. Not cut off yet').waitFor();
  await dialog.getByText(title('2 links')).waitFor();
  expect(await renewAs('alta', 'mixed')).toBe(3);
  await press('Allow 127.0.0.1');
  const allowed = 'allow all other links to renew from their last addresses';
  await dialog.getByText(allowed).waitFor();
  expect(await dialog.getByText(title('2 links')).count()).toBe(0);
  expect(await renewAs('alta', 'mixed')).toBe(0);
  await goTo(await link('bodo'));
  await press('Revoke or cut off');
  await dialog.getByLabel('Cut off:').check();
  await dialog.getByText('other links must renew before the last step').waitFor();
  await dialog.getByText(allowed).waitFor();
});

it('says that no other link must renew, or that the rules allow it, only after all links are read', async () => {
  for (const subject of ['falun', 'gavle']) {
    const { joinLine } = await issue(`for-${subject}`, undefined);
    expect(await joinAs(subject, joinLine)).toBe(0);
  }
  const { items } = await administration.listLinks({ limit: 10, search: 'gavle' });
  await goTo(`/links/${items[0]?.id}`);
  // As if later pages had links, which a request that searches a bounded number of links cannot exclude.
  await page.route('**/api/v1/links?*renewalRefused*', (route) =>
    route.fulfill({ json: { items: [], next: 'more' } }),
  );
  await press('Revoke or cut off');
  await dialog.getByLabel('Cut off:').check();
  await dialog.getByText('must renew before the last step').waitFor();
  await dialog.locator('.loading').waitFor({ state: 'detached' });
  expect(await dialog.getByText('allow all other links to renew').count()).toBe(0);
  await press('Cancel');
  await page.route('**/api/v1/links?*signedBy*', (route) =>
    route.fulfill({ json: { items: [], next: 'more' } }),
  );
  await press('Revoke or cut off');
  await dialog.getByLabel('Cut off:').check();
  await dialog.getByText('Not all links were read').waitFor();
});
