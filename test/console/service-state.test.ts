import { expect, it } from 'vitest';
import { ENDPOINT, startLinkgrant, startServe } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { directoryForFile, releaseAfterFile } from '../support/release.js';
import { until } from '../support/until.js';
import { expectAccessible, openConsole, startBrowser } from './harness/browser.js';

const dataDir = directoryForFile();
// The restarted service needs the same port.
const listen = ['--listen', `127.0.0.1:${await freePort()}`];
const words = ['--data-dir', dataDir, '--host', '127.0.0.1', ...listen, ...ENDPOINT];
const browser = releaseAfterFile(await startBrowser());
let service = await startServe(words);
releaseAfterFile({
  stop() {
    service.signal('SIGCONT');
    return service.stop();
  },
});
const terminal = startLinkgrant(['console', '--no-open', '--data-dir', dataDir], { holdsInput: true });
const stopConsole = () => {
  terminal.child.kill('SIGINT');
  return terminal.ended;
};
releaseAfterFile({ stop: stopConsole });
const oneTimeUrl = () => /http:\/\/\S+/.exec(terminal.said.stdout)?.[0] ?? '';
await until(() => oneTimeUrl() !== '');
const url = oneTimeUrl();
const { page, faults } = await openConsole(browser, url);
const goTo = (path: string) => page.goto(new URL(`/console${path}`, url).href);
const header = page.getByRole('banner');
const REFUSED = /accepts no connection \(ECONNREFUSED\)/;
const JOIN_LINE = /linkgrant join lgj1_/;

it('shows on the Overview and in the header that the service was killed, and that it runs again', async () => {
  // Before the first link there are no tiles.
  const state = page.locator('main').getByRole('definition').first();
  await state.getByText('ready', { exact: true }).waitFor();
  service.signal('SIGKILL');
  await service.ended;
  await header.getByText(REFUSED).waitFor();
  await state.getByText('not ready').waitFor();
  await page.locator('main').getByText(REFUSED).waitFor();
  await page.getByText('linkgrant doctor').waitFor();
  expect(await page.getByText('Nothing needs attention').count()).toBe(0);
  await expectAccessible(page);
  service = await startServe(words);
  // A change makes the Overview read at once.
  await startLinkgrant(['grant', 'create', 'to-east', '--data-dir', dataDir]).ended;
  await state.getByText('ready', { exact: true }).waitFor();
  await header.getByText(REFUSED).waitFor({ state: 'detached' });
});

it('leaves no refusal of its probes in the log of the service', () => {
  expect(service.said.stderr).not.toContain('grant_unknown');
});

it('shows in the dialog of a token that no site can join while the service hangs', async () => {
  await goTo('/grants?create=grant');
  await page.getByRole('dialog').getByLabel('Name').first().fill('to-west');
  await page.keyboard.press('Enter');
  const issuing = page.getByRole('dialog', { name: 'Issue a token of grant to-west' });
  await issuing.waitFor();
  service.signal('SIGSTOP');
  await issuing.getByText('No site can join at the moment').waitFor();
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  const token = page.getByRole('dialog', { name: 'Token of grant to-west' });
  await token.getByText('No site can join at the moment').waitFor();
  expect(await token.getByText('Waiting for the site').count()).toBe(0);
  service.signal('SIGCONT');
  await token.getByText('Waiting for the site').waitFor();
});

it('shows after the end of linkgrant console how to start it again, and only the token that is shown once', async () => {
  await stopConsole();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('linkgrant console has ended').waitFor();
  await dialog.getByText(JOIN_LINE).waitFor();
  expect(await dialog.getByText('Waiting for the site').count()).toBe(0);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Close' }).press('Enter');
  await page.getByRole('button', { name: /^Close without/ }).press('Enter');
  await page.locator('main').getByText('linkgrant console has ended').waitFor();
  await page.getByText(`linkgrant console --data-dir ${dataDir}`, { exact: true }).waitFor();
  expect(await page.getByRole('heading', { name: 'Grant to-west' }).isVisible()).toBe(false);
  expect(await page.getByRole('heading', { name: 'What it allows' }).isVisible()).toBe(false);
  await expectAccessible(page);
  await header.getByText('linkgrant console has ended').waitFor();
  expect(faults).toEqual([]);
});
