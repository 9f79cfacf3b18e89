import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatFingerprint } from '../../src/domain/fingerprint.js';
import { linkgrantProcess } from '../support/command-line.js';
import { opensslRequest, UNUSABLE_REQUESTS } from '../support/openssl-requests.js';
import { keySha256 } from '../support/redeemed-answer.js';
import { directoryForFile } from '../support/release.js';
import { axeViolations } from './harness/browser.js';
import { openOperatorPage } from './harness/operator-page.js';

const directory = directoryForFile();
const { running, opened, page, goTo } = await openOperatorPage();
let line: string;

/** Runs `linkgrant join` with the join line that the dialog shows, as the site `subject`. */
const joinAs = (subject: string) =>
  linkgrantProcess(
    ['join', '-', '--to', join(directory, subject), '--subject', subject, '--data-dir', directory],
    { input: line },
  );

it('creates a grant, then issues a token of it', async () => {
  await page.getByRole('link', { name: 'Create the first grant' }).press('Enter');
  await page.getByRole('dialog', { name: 'Create a grant' }).waitFor();
  await page.keyboard.type('to-west');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Issue a token of grant to-west' }).waitFor();
  await expect.poll(() => page.locator(':focus').evaluate((element) => element.tagName)).toBe('INPUT');
  await page.keyboard.type('east');
  await page.keyboard.press('Enter');
  await page.getByText('Waiting for the site').waitFor();
  await page.getByText('Time left:').waitFor();
  expect(await axeViolations(page)).toEqual([]);
});

it('does not close the dialog of a token by Escape, a click outside, or the history', async () => {
  const dialog = page.getByRole('dialog', { name: 'Token of grant to-west' });
  await page.keyboard.press('Escape');
  await page.getByText('You have not copied or saved the token').waitFor();
  await page.mouse.click(5, 5);
  await page.goBack();
  expect(await dialog.isVisible()).toBe(true);
  expect(page.url()).toContain('/console/grants/');
});

it('leaves no query in the URL while the token is shown, so that a reload opens no form again', () => {
  expect(new URL(page.url()).search).toBe('');
});

it('shows the join line as a QR code on request', async () => {
  await page.getByText('QR code of the join line').press('Enter');
  await page.getByRole('img', { name: 'The join line as a QR code' }).waitFor();
});

it('shows a token in the form of a file without horizontal scrolling on a narrow screen', async () => {
  const way = page.getByLabel('How does the site join?');
  const size = page.viewportSize() ?? { width: 0, height: 0 };
  await way.selectOption('skupper');
  await page.setViewportSize({ width: 390, height: 800 });
  const body = page.getByRole('dialog').locator('section');
  expect(await body.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0);
  await page.setViewportSize(size);
  await way.selectOption('files');
});

it('shows the refusal of a site with its remedy, then the redemption, without a reload', async () => {
  await page.getByRole('button', { name: 'Copy: Command for the site' }).press('Enter');
  await page.getByText('Copied').first().waitFor();
  const command = String(await page.evaluate('navigator.clipboard.readText()'));
  line = /^linkgrant join (lgj1_\w{60,}) --to links$/.exec(command)?.[1] ?? '';
  expect(line, command).not.toBe('');
  expect((await joinAs('north')).code).toBe(3);
  await page.getByText('A site was refused at this grant: The subject is not allowed').waitFor();
  await page.getByRole('dialog').getByText('The token is only for the subject east.').waitFor();
  expect((await joinAs('east')).code).toBe(0);
  await page.locator('.pf-m-success').getByText('east has redeemed the token').waitFor();
  // A used token cannot be redeemed again, so the dialog no longer shows it.
  expect(await page.getByRole('button', { name: 'Copy: Command for the site' }).count()).toBe(0);
  expect(await axeViolations(page)).toEqual([]);
});

it('changes the rule that refused a site in the dialog of a token, so that the site can join', async () => {
  const uid = await running.createGrant({
    name: 'ruled',
    redemptionsAllowed: 1,
    policy: { 'linkgrant/key-types': 'rsa' },
  });
  const other = await page.context().newPage();
  await other.goto(`${running.console.origin}/console/grants/${uid}?issue=token`);
  await other.getByRole('button', { name: 'Issue the token' }).press('Enter');
  await other.getByRole('button', { name: 'Copy: Command for the site' }).waitFor();
  const shown = String(
    await other.getByRole('figure', { name: 'Command for the site' }).locator('code').textContent(),
  );
  const [, word = ''] = /^linkgrant join (\S+) --to links$/.exec(shown) ?? [];
  const flags = ['--to', join(directory, 'ruled'), '--data-dir', directory];
  expect((await linkgrantProcess(['join', word, ...flags])).code).toBe(3);
  const dialog = other.getByRole('dialog');
  await dialog
    .getByText('npx linkgrant grant update ruled --namespace default --key-types rsa,p256', { exact: true })
    .waitFor();
  expect(await axeViolations(other)).toEqual([]);
  await dialog.getByRole('button', { name: 'Allow p256', exact: true }).press('Enter');
  await dialog.getByText('The grant allows the keys of linkgrant').waitFor();
  expect((await linkgrantProcess(['join', word, ...flags])).code).toBe(0);
  await other.getByText('ruled has redeemed the token').waitFor();
  await other.close();
});

it.each([
  ['for several sites', { name: 'several', redemptionsAllowed: 3 }],
  ['whose grant limits the subjects', { name: 'limited', policy: { 'linkgrant/subjects': 'paris' } }],
])('shows --subject SITE in the command of a token %s', async (_what, grant) => {
  const uid = await running.createGrant(grant);
  const other = await page.context().newPage();
  await other.goto(`${running.console.origin}/console/grants/${uid}?issue=token`);
  await other.getByRole('button', { name: 'Issue the token' }).press('Enter');
  const command = other.getByRole('figure', { name: 'Command for the site' });
  await command.getByText(/^linkgrant join \S+ --to links --subject SITE$/).waitFor();
  await other.getByText('Replace SITE with your name for the site').waitFor();
  await other.close();
});

it('shows that the link is connected as soon as it is observed', async () => {
  const peer = { siteName: 'east', linkName: 'to-west', acceptingSite: 'here' };
  running.connectedPeers.push({ ...peer, siteId: 'east' });
  await page.getByText('east has redeemed the token and is connected').waitFor();
});

it('puts the token into no URL, storage, history or request', async () => {
  const stored = await page.evaluate(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, document.cookie, location.href])',
  );
  expect(stored + opened.requests.join('\n')).not.toContain(line);
});

it('removes the token from the page when its dialog is closed, and shows the link of the site', async () => {
  await page.getByRole('button', { name: 'Done' }).press('Enter');
  await page.getByRole('heading', { name: 'Last attempts to redeem' }).waitFor();
  expect(await page.content()).not.toContain(line);
  await page.getByRole('cell', { name: 'redeemed' }).waitFor();
  await page.getByRole('link', { name: 'Open' }).first().press('Enter');
  await page.getByRole('heading', { name: 'Link of east' }).waitFor();
});

it('shows a connected site without a record on the map', async () => {
  const peer = { siteName: 'stranger', linkName: 'other', acceptingSite: 'here' };
  running.connectedPeers.push({ ...peer, siteId: 'stranger' });
  await goTo('/map');
  await page.getByRole('link', { name: 'stranger: connected without a record', exact: true }).waitFor();
  await page.getByRole('link', { name: 'east: connected', exact: true }).waitFor();
});

// In the field of a request, Enter is a line break.
const submit = page.locator('dialog [type=submit]');

it('issues a token for a certificate request, which is no secret, and shows both fingerprints', async () => {
  const uid = await running.createGrant({ name: 'bound', redemptionsAllowed: 1 });
  const { pem, key } = opensslRequest('/CN=south');
  const request = page.getByLabel('Certificate request of the site');
  await goTo(`/grants/${uid}?issue=token`);
  await request.fill('-----BEGIN CERTIFICATE REQUEST-----');
  await submit.click();
  await page.getByText('it was cut off').waitFor();
  expect(await axeViolations(page)).toEqual([]);
  await request.fill(pem);
  expect(await request.inputValue()).toBe(pem);
  await page.getByText('Subject of the request').waitFor();
  await page.getByText(formatFingerprint(keySha256(key))).waitFor();
  await submit.click();
  await page.getByText('It is no secret: only the site with this key can redeem it.').waitFor();
  await page.getByText('as south').waitFor();
  const ways = await page.getByLabel('How does the site join?').locator('option').allTextContents();
  expect(ways.filter((way) => !way.startsWith('linkgrant'))).toEqual([]);
  for (const name of ['SHA-256 of the key', 'SHA-256 of the CA of the service'])
    await page.getByText(name).waitFor();
  expect(await page.getByRole('dialog').textContent()).toMatch(/Compare both.*Waiting for the site/);
  expect(await axeViolations(page)).toEqual([]);
  await goTo(`/grants/${uid}`);
  await page.getByRole('cell', { name: `${formatFingerprint(keySha256(key)).slice(0, 11)}…` }).waitFor();
});

it.each([
  ['a request line', ['--line'], (line: string) => line],
  ['PEM', [], (pem: string) => pem],
  ['PEM with no-break spaces', [], (pem: string) => pem.replaceAll('\n', '\u00a0\n\u00a0')],
])(
  'shows subject and key of a pasted request in %s before it is answered, as the site does',
  async (form, flags, copied) => {
    const name = form.toLowerCase().replaceAll(' ', '-');
    const uid = await running.createGrant({ name, redemptionsAllowed: 1 });
    const requesting = [
      'link',
      'request',
      '--subject',
      'Zürich',
      ...flags,
      '--data-dir',
      join(directory, 'zurich'),
    ];
    const { stdout, stderr } = await linkgrantProcess(requesting);
    const [fingerprint = ''] = /(\w\w:){31}\w\w/.exec(stderr) ?? [];
    await goTo(`/grants/${uid}?issue=token`);
    const pasted = page.getByRole('dialog').getByRole('status').filter({ hasText: 'Subject of the request' });
    const request = page.getByLabel('Certificate request of the site');
    await request.fill(`Here it is:\n${stdout.slice(0, 100)}`);
    await page.getByLabel('What the site gets').selectOption('answer');
    expect(await pasted.count()).toBe(0);
    await request.fill(`Here it is:\n${copied(stdout)}\n`);
    await pasted.getByText('Zürich').waitFor();
    await pasted.getByText(fingerprint).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await submit.click();
    await page.getByText('The answer is no secret').waitFor();
    await page.getByText(fingerprint).waitFor();
    await page.getByText('with the same --data-dir as linkgrant link request').waitFor();
  },
);

it('answers a certificate request with a file to download, and shows both fingerprints', async () => {
  const uid = await running.createGrant({ name: 'answered', redemptionsAllowed: 1 });
  const { pem, key } = opensslRequest('/CN=north');
  await goTo(`/grants/${uid}?issue=token`);
  const request = page.getByLabel('Certificate request of the site');
  await request.fill(pem);
  await page.getByLabel('What the site gets').selectOption('answer');
  await page.getByRole('dialog', { name: 'Answer a request with grant answered' }).waitFor();
  expect(await page.getByLabel('How many sites can join with it').count()).toBe(0);
  expect(await axeViolations(page)).toEqual([]);
  await submit.click();
  await page.getByText('The answer is no secret').waitFor();
  await page.getByText(formatFingerprint(keySha256(key))).waitFor();
  for (const text of [
    'SHA-256 of the CA of the link',
    'SHA-256 of the CA of the service, for renewals',
    '--renew-at https://',
  ])
    await page.getByText(text).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download answer.yaml' }).click();
  const downloaded = readFileSync(await (await downloading).path(), 'utf8');
  expect(downloaded).toMatch(/^kind: "Secret"$/m);
  expect(downloaded).not.toContain('tls.key');
  await page.getByRole('button', { name: 'Done' }).click();
});

// Created when the first of these tests runs, because the tests above begin without a grant.
let grantOfRequests: Promise<string> | undefined;
const openRequests = async () => {
  grantOfRequests ??= running.createGrant({ name: 'refused-requests', expirationWindow: '30d' });
  await goTo(`/grants/${await grantOfRequests}?issue=token`);
};
const refusal = page.getByRole('dialog').locator('.pf-m-error .pf-v6-c-helper-text__item-text');

it.each(UNUSABLE_REQUESTS.filter(([, text]) => text.trim() !== ''))(
  'shows at the field why no token can be issued for %s, and a remedy',
  async (_what, text, reason) => {
    await openRequests();
    await page.getByLabel('Certificate request of the site').fill(text);
    await submit.click();
    // The reason, and a sentence with the remedy.
    await expect.poll(() => refusal.allTextContents()).toEqual([expect.stringMatching(/: .*\. [A-Z].*\.$/)]);
    expect(await refusal.textContent()).toContain(reason);
  },
);

it('shows at the field that a text is too long for a certificate request, and does not shorten it', async () => {
  await openRequests();
  await page.getByLabel('Certificate request of the site').fill('x'.repeat(9_000));
  await submit.click();
  await expect.poll(() => refusal.allTextContents()).toEqual(['It must have at most 8192 characters.']);
});
