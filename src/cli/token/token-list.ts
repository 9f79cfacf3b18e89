import type { TokenReport } from '../../redemption/administration/reports/token-report.js';
import { everyItem } from '../../redemption/ports/page.js';
import type { GrantFlags } from '../grant/grant-create.js';
import { withAdministration } from '../session/administration-session.js';
import { type ListFlags, nothingListed, writeListing } from '../terminal/listing.js';
import { TOKEN_LISTING } from './token-listing.js';

/** The flags of `token list`; without `grant` and `allNamespaces` it lists the tokens of all grants of the namespace. */
export interface TokenListFlags extends Omit<GrantFlags, 'output'>, ListFlags {
  readonly grant?: string;
  readonly allNamespaces?: boolean;
}

function byGrant(one: TokenReport, other: TokenReport): number {
  // A space sorts before every character of a name.
  const keyOf = ({ namespace, grant, id }: TokenReport) => `${namespace} ${grant} ${id}`;
  return keyOf(one) < keyOf(other) ? -1 : 1;
}

/** `token list`: prints the signed tokens of a grant, of the namespace or of all namespaces, by namespace, grant and id. */
export async function tokenListCommand(flags: TokenListFlags): Promise<void> {
  await withAdministration(flags, async ({ administration, namespace }) => {
    const within =
      flags.grant !== undefined
        ? { grantUid: (await administration.findGrant(namespace, flags.grant)).uid }
        : flags.allNamespaces
          ? {}
          : { namespace };
    const read = async function* () {
      const reports = await everyItem((page) => administration.listTokens({ ...page, ...within }));
      yield reports.sort(byGrant);
    };
    const emptyText = nothingListed('signed tokens', namespace, flags.allNamespaces);
    await writeListing(read, { ...TOKEN_LISTING, emptyText }, flags);
  });
}
