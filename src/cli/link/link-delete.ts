import { commandContext } from '../../config/command-context.js';
import { shell } from '../../domain/shell-words.js';
import { certificateInfo, redemptionIdIn } from '../../pki/certificate-info.js';
import { deleteLink } from '../../redemption/requesting/delete-link.js';
import { CommandError } from '../terminal/command-error.js';
import { formatTime } from '../terminal/output.js';
import { writeOut } from '../terminal/write-out.js';
import { type ChangeFlags, openLinksForChange, printAndSettle, reloadRouter } from './change-links.js';
import { linkNotFound } from './site-links.js';

/** `link delete`: deletes a link with its own Secrets and records, then reloads its router. */
export async function linkDeleteCommand(name: string, flags: ChangeFlags): Promise<void> {
  const { siteLinks, target, change, isReloadPending } = await openLinksForChange(flags);
  const deleted = await change((links) => deleteLink(name, { links, records: siteLinks.records }));
  if (!deleted) {
    // The router may still have a link loaded that an earlier run deleted, if the reload of that run failed or is pending.
    if (!target.site?.loadedLinks().has(name)) throw linkNotFound(name, siteLinks.where);
    if (isReloadPending?.()) return writeOut('The pending reload of the site drops the link\n');
    const { outcome } = await reloadRouter(target);
    if (outcome === 'not-needed') throw onlyLoaded(name, siteLinks.where);
    return;
  }
  const { removed, secretUsedBy, records, certificates } = deleted;
  await printAndSettle(
    [
      ...removed.map((file) => `Deleted ${file}\n`),
      secretUsedBy.length > 0
        ? `The Secret was not deleted, because it is still used by ${secretUsedBy.join(', ')}\n`
        : '',
      records > 0
        ? 'The stored key and response of its redemption are deleted, so its token cannot restore the link\n'
        : '',
      ...certificates.map((certificate) => credentialNote(certificate, commandContext().clock())),
    ].join(''),
    target,
  );
}

/** The error for a link without a file, which only the running router has. */
function onlyLoaded(name: string, where: string): CommandError {
  return new CommandError(`link "${name}" has no file in ${where}: only the running router has the link`, {
    exitCode: 1,
    hint: 'reload the site to drop the link; if Skupper redeemed its AccessToken, delete the token from that directory first',
  });
}

/**
 * Returns a note on how long a deleted credential can connect, and how the accepting side can prevent that; empty for an
 * expired certificate.
 */
function credentialNote(certificate: string, now: number): string {
  const info = certificateInfo(certificate);
  if (!info || info.notAfter <= now) return '';
  const command = shell`linkgrant redemption revoke ${redemptionIdIn(certificate) ?? 'ID'} --cut`;
  return `note: a copy of the deleted credential can still connect until ${formatTime(info.notAfter)}, unless the accepting side cuts it off: \`${command}\`\n`;
}
