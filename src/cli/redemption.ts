import type { Redemption } from '../domain/redemption.js';
import { CommandError } from './command-error.js';
import { everyItem } from './every-item.js';
import { type GrantFlags, requireGrant } from './grant.js';
import { fields, formatTime, print, table } from './output.js';
import type { OutputFormat } from './output-format.js';
import { withStore } from './store-session.js';

function report(redemption: Redemption) {
  const {
    id,
    grantUid,
    mode,
    name,
    subject,
    peer,
    serial,
    keySha256,
    certificateSha256,
    notAfter,
    createdAt,
  } = redemption;
  return {
    id,
    grantUid,
    createdAt: formatTime(createdAt),
    mode,
    name,
    subject,
    peer,
    serial,
    keySha256,
    certificateSha256,
    notAfter: formatTime(notAfter),
    ...(redemption.revokedAt !== null && { revokedAt: formatTime(redemption.revokedAt) }),
  };
}

/**
 * `redemption list`: shows what was redeemed, oldest first; from one grant with `--grant` (a name or a uid), else from the
 * grants of every namespace.
 */
export async function listCommand(flags: GrantFlags & { readonly grant?: string }): Promise<void> {
  await withStore(flags, async ({ store, namespace }) => {
    const of =
      flags.grant === undefined ? {} : { grantUid: (await requireGrant(store, namespace, flags.grant)).uid };
    const redemptions = await everyItem((page) => store.listRedemptions({ ...page, ...of }));
    const reports = redemptions.map(report);
    await print(flags.output, reports, () =>
      reports.length === 0
        ? 'There are no redemptions.\n'
        : table(
            ['ID', 'TIME', 'NAME', 'SUBJECT', 'FROM', 'CERTIFICATE ENDS'],
            reports.map(({ id, createdAt, name, subject, peer, notAfter }) => [
              id,
              createdAt,
              name,
              subject,
              peer,
              notAfter,
            ]),
          ),
    );
  });
}

/** `redemption show`: shows one redemption and its certificate. Throws a CommandError where there is none of that id. */
export async function showCommand(id: string, flags: { readonly output?: OutputFormat }): Promise<void> {
  await withStore(flags, async ({ store }) => {
    const redemption = await store.findRedemption(id);
    if (!redemption) {
      throw new CommandError(`there is no redemption ${id}`, {
        exitCode: 1,
        hint: 'see `linkgrant redemption list`',
      });
    }
    const shown = report(redemption);
    await print(flags.output, { ...shown, certificate: redemption.certificate }, () =>
      [
        fields([
          ['ID', shown.id],
          ['Grant', shown.grantUid],
          ['Time', shown.createdAt],
          ['Name', shown.name],
          ['Subject', shown.subject],
          ['From', shown.peer],
          ['Key', shown.mode === 'csr' ? 'made by the requesting site' : 'made by the service'],
          ['Key SHA-256', shown.keySha256],
          ['Serial', shown.serial],
          ['Certificate ends', shown.notAfter],
          ['Revoked', shown.revokedAt],
        ]),
        redemption.certificate,
      ].join(''),
    );
  });
}
