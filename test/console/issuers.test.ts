import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { linkgrant } from '../support/command-line.js';
import { DAY } from '../support/service.js';
import { axeViolations, openConsole, startBrowser } from './harness/browser.js';
import { type ConsoleService, startConsoleService } from './harness/console-service.js';

const NAME = 'skupper-site-ca';

let browser: Browser;
let running: ConsoleService;
let page: Page;
let grantUid: string;
beforeAll(async () => {
  browser = await startBrowser();
  running = await startConsoleService();
  grantUid = await running.createGrant({ name: 'to-west' });
  page = (await openConsole(browser, running.console.issueUrl())).page;
});
afterAll(async () => {
  await browser.close();
  await running.close();
});

const open = (query = '') => page.goto(`${running.console.origin}/console/issuers${query}`);
const issuer = async (...words: readonly string[]) => {
  const ended = await linkgrant(['issuer', ...words, '--data-dir', running.service.directory]);
  expect(ended.code, ended.stderr).toBe(0);
};
/** The block of the CA that signs links. */
const block = () => page.getByRole('region', { name: NAME });

async function expectNoViolations(): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await axeViolations(page), colorScheme).toEqual([]);
  }
}

it('shows a valid CA with its links, which it lists', async () => {
  await running.addLinks(grantUid, 2);
  await open();
  await block().getByText('There is nothing to do').waitFor();
  await page.getByRole('region', { name: 'linkgrant-server-ca' }).waitFor();
  await expectNoViolations();
  await block().getByRole('link', { name: '2 links' }).click();
  await page.getByText(`linkgrant redemption list -A --signed-by ${await running.signingCa()}`).waitFor();
  await expect.poll(() => page.locator('tbody tr').count()).toBe(2);
});

it('shows the step of a rotation that is next, and its command', async () => {
  await open(`?name=${NAME}`);
  await issuer('prepare', NAME);
  await page.reload();
  await block().getByText(`linkgrant issuer activate ${NAME}`, { exact: true }).waitFor();
  await expectNoViolations();
  await issuer('activate', NAME);
  await page.reload();
  await block().getByText('2 links with a certificate of').waitFor();
  await expectNoViolations();
  const { items } = await running.administration.listRedemptions({ limit: 10 });
  for (const { id } of items) await running.administration.revokeRedemption(id, 'keep-token');
  await block().getByText(`linkgrant issuer retire ${NAME}`, { exact: true }).waitFor();
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
  await block().getByText('The CA that signs expires soon').waitFor();
  await expectNoViolations();
  clock.advance(31 * DAY);
  await page.reload();
  await block().getByText('The CA that signs has expired').waitFor();
  await expectNoViolations();
});

it('says what to do where a grant names an issuer that does not exist, and where there is none', async () => {
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
