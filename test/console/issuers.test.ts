import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectSuccess, linkgrant } from '../support/command-line.js';
import { DAY } from '../support/service.js';
import { expectAccessible } from './harness/browser.js';
import { openOperatorPage } from './harness/operator-page.js';

const NAME = 'skupper-site-ca';

const { running, page, goTo } = await openOperatorPage();
const grantUid = await running.createGrant({ name: 'to-west' });

const open = (query = '') => goTo(`/issuers${query}`);
/** Runs a command on the issuers of the service. */
const issuer = async (...words: readonly string[]) => {
  expectSuccess(await linkgrant(['issuer', ...words, '--data-dir', running.service.directory]));
};
/** The section of the CA that signs links. */
const section = () => page.getByRole('region', { name: NAME });

const expectNoViolations = () => expectAccessible(page);

it('shows a valid CA with the number of its links, and opens their list', async () => {
  await running.addLinks(grantUid, 2);
  await open();
  await section().getByText('The CA that signs is valid').waitFor();
  await page.getByRole('region', { name: 'linkgrant-server-ca' }).waitFor();
  await expectNoViolations();
  await section().getByRole('link', { name: '2 links' }).click();
  await page.getByText(`linkgrant redemption list -A --signed-by ${await running.signingCa()}`).waitFor();
  await expect.poll(() => page.locator('tbody tr').count()).toBe(2);
});

it('shows the next step of a rotation with its command', async () => {
  await open(`?name=${NAME}`);
  await section().getByText('Rotate it before it expires').waitFor();
  // The page shows a change by a command without a reload.
  await issuer('prepare', NAME);
  await section().getByText(`npx linkgrant issuer activate ${NAME}`, { exact: true }).waitFor();
  await expectNoViolations();
  await issuer('activate', NAME);
  await section().getByText('2 links with a certificate of').waitFor();
  await expectNoViolations();
  const { items } = await running.administration.listRedemptions({ limit: 10 });
  for (const { id } of items) await running.administration.revokeRedemption(id, 'keep-token');
  await section().getByText(`npx linkgrant issuer retire ${NAME}`, { exact: true }).waitFor();
  await expectNoViolations();
  expect(await page.getByRole('region', { name: 'linkgrant-server-ca' }).count()).toBe(0);
});

it('warns before the CA that signs expires, and when it has expired', async () => {
  const { items } = await running.administration.listIssuers({ limit: 10 });
  const ends = items
    .filter(({ signs }) => signs === 'links')
    .flatMap(({ authorities }) => authorities.map(({ notAfter }) => Date.parse(notAfter)));
  const { clock } = running.service;
  clock.advance(Math.max(...ends) - clock.read() - 30 * DAY);
  await open();
  await section().getByText('The CA that signs expires soon').waitFor();
  await expectNoViolations();
  clock.advance(31 * DAY);
  await page.reload();
  await section().getByText('The CA that signs has expired').waitFor();
  await section().locator('.pf-m-red').getByText('expired', { exact: true }).waitFor();
  await expectNoViolations();
});

it('shows what to do if the issuer of a grant does not exist, and if there is no issuer', async () => {
  await open('?name=gone');
  await page.getByText('linkgrant issuer create gone').waitFor();
  await expectNoViolations();
  // As before the first start of a service.
  running.service.sql("DELETE FROM settings WHERE key = 'service'");
  rmSync(join(running.service.directory, 'issuers'), { recursive: true });
  await open();
  await page.getByText('There is no CA yet').waitFor();
  await expectNoViolations();
});
