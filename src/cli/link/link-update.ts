import { parseCount, parseWindow } from '../flags/flag-values.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { type WantedLinkState, waitForLinks } from '../token/wait-for-links.js';
import { type ChangeFlags, openLinksForChange, printAndSettle } from './change-links.js';
import { linkNotFound, requireLinks } from './site-links.js';

interface WaitFlags {
  readonly wait?: WantedLinkState;
  readonly deadline?: string;
}

/** `link update`: changes the given fields of a link, then reloads its router. */
export async function linkUpdateCommand(
  name: string,
  flags: ChangeFlags & WaitFlags & { readonly linkCost?: string; readonly tlsCredentials?: string },
): Promise<void> {
  const { linkCost, tlsCredentials, wait, deadline, ...rest } = flags;
  const cost = parseCount('--cost', linkCost);
  const deadlineMs = parseWindow('--deadline', deadline);
  if (cost === undefined && tlsCredentials === undefined) {
    throw usageError('no change is given', 'set --cost N or --tls-credentials NAME');
  }
  const { siteLinks, target, change } = await openLinksForChange(rest);
  const { where, cluster } = siteLinks;
  if (!cluster && (wait !== undefined || deadline !== undefined)) {
    throw usageError(
      '--wait and --deadline are for --platform kubernetes without --dir',
      'omit them; `linkgrant link check` dials the link',
    );
  }
  let report = '';
  const updated = await change(async (links) => {
    const found = await requireLinks({ links, where }, name);
    if (tlsCredentials !== undefined && !(await links.findSecret(tlsCredentials))) {
      const message = `there is no Secret "${tlsCredentials}" in ${where}`;
      throw new CommandError(message, { exitCode: 1, hint: 'create the Secret first' });
    }
    for (const link of found) {
      const file = await links.update(link.name, { cost, tlsCredentials });
      if (file === undefined) throw linkNotFound(link.name, where);
      report += cluster ? `Updated ${file}\n` : `Updated link "${link.name}" in ${file}\n`;
    }
    return found.map((link) => link.name);
  });
  await printAndSettle(report, target);
  if (cluster && !rest.dryRun) await waitForLinks(updated, cluster, { state: wait ?? 'ready', deadlineMs });
}
