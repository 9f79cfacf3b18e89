import { everyItem } from '../../redemption/administration/every-item.js';
import type { TokenReport } from '../../redemption/administration/token-report.js';
import type { GrantFlags } from '../grant/grant.js';
import { withAdministration } from '../terminal/administration-session.js';
import { nothingListed } from '../terminal/listing.js';
import { print, table } from '../terminal/output.js';

/** The flags of `token list`; without `grant` it lists the tokens of all grants of the namespace. */
export interface TokenListFlags extends GrantFlags {
  readonly grant?: string;
  readonly allNamespaces?: boolean;
}

/** Orders tokens by namespace, grant and id. */
function byGrant(one: TokenReport, other: TokenReport): number {
  const keys = [one, other].map(({ namespace, grant, id }) => [namespace, grant, id]);
  const [left = [], right = []] = keys;
  const at = left.findIndex((part, index) => part !== right[index]);
  return at < 0 ? 0 : (left[at] ?? '') < (right[at] ?? '') ? -1 : 1;
}

/** `token list`: prints the signed tokens that the service knows, by grant. */
export async function listTokensCommand(flags: TokenListFlags): Promise<void> {
  await withAdministration(flags, async ({ administration, namespace }) => {
    const within =
      flags.grant !== undefined
        ? { grantUid: (await administration.findGrant(namespace, flags.grant)).uid }
        : flags.allNamespaces
          ? {}
          : { namespace };
    const reports = await everyItem((page) => administration.listTokens({ ...page, ...within }));
    reports.sort(byGrant);
    await print(flags.output, reports, () =>
      reports.length === 0
        ? nothingListed('signed tokens', namespace, flags.allNamespaces)
        : table(
            ['ID', 'GRANT', 'STATE', 'REDEMPTIONS', 'EXPIRATION', 'SUBJECT'],
            reports.map(({ id, grant, state, redemptions, redemptionsAllowed, expirationTime, subject }) => [
              id,
              grant,
              state,
              `${redemptions}/${redemptionsAllowed}`,
              expirationTime,
              subject ?? '-',
            ]),
          ),
    );
  });
}
