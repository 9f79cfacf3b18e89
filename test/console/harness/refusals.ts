import { join } from 'node:path';
import { linkgrantProcess } from '../../support/command-line.js';
import { directoryForFile } from '../../support/release.js';
import { openOperatorPage } from './operator-page.js';

/** Opens the console of an operator, with functions that let sites be refused and show the advice on their refusals. */
export async function openRefusals() {
  const directory = directoryForFile();
  const operator = await openOperatorPage();
  const { running, page, goTo } = operator;
  const { administration, service } = running;
  const refused = page.getByRole('region', { name: 'Refused sites' });
  const dialog = page.getByRole('dialog');
  const press = (name: string | RegExp) => page.getByRole('button', { name, exact: true }).last().click();
  type Policy = Parameters<typeof running.createGrant>[0]['policy'];
  return {
    ...operator,
    refused,
    dialog,
    press,
    /** Creates a grant, and returns its id, and the join line and id of a token of it. */
    async issue(name: string, policy: Policy, token: object = {}, grant: object = {}) {
      const grantUid = await running.createGrant({ name, ...(policy && { policy }), ...grant });
      const { joinLine = '', id = '' } = await administration.issueToken({ grantUid, ...token });
      return { grantUid, joinLine, id };
    },
    /** Runs `linkgrant join` on the site `subject`, and returns its exit code. Each `key` is a machine of its own. */
    async joinAs(subject: string, line: string, key = subject): Promise<number | null> {
      // The newest refusal comes first in lists.
      service.clock.advance(1_000);
      const data = join(directory, key);
      const flags = ['--to', join(data, 'links'), '--subject', subject, '--data-dir', data];
      return (await linkgrantProcess(['join', line, ...flags])).code;
    },
    /** Renews the link `name` of the site `subject` that {@link joinAs} joined, and returns the exit code. */
    async renewAs(subject: string, name: string): Promise<number | null> {
      service.clock.advance(1_000);
      const data = join(directory, subject);
      const flags = ['--dir', join(data, 'links'), '--data-dir', data];
      return (await linkgrantProcess(['link', 'renew', name, ...flags])).code;
    },
    /** Opens, with one click on the Overview, the grant that has refused a site. */
    async openRefusal(site: string, grant: string, reason: string): Promise<void> {
      await goTo('/');
      const row = page.getByRole('row').filter({ hasText: site }).filter({ hasText: reason });
      await row.getByRole('link', { name: grant, exact: true }).click();
      await refused.getByText(`${site} was refused: ${reason}`).waitFor();
    },
    /** Issues the token of the dialog by a button, and returns the join line that the dialog shows. */
    async issueInDialog(button = 'Issue the token'): Promise<string> {
      await press(button);
      const command = dialog.getByRole('figure', { name: 'Command for the site' }).locator('code');
      const [, line = ''] = /^linkgrant join (\S+)/.exec((await command.textContent()) ?? '') ?? [];
      return line;
    },
  };
}
