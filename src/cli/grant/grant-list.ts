import type { AccessGrantState } from '../../domain/access-grant.js';
import type { LabelSelector } from '../../domain/label-selector.js';
import { pagesOf } from '../../redemption/ports/page.js';
import { withAdministration } from '../session/administration-session.js';
import { type ListFlags, nothingListed, writeListing } from '../terminal/listing.js';
import type { GrantFlags } from './grant-create.js';
import { GRANT_LISTING } from './grant-listing.js';

/** `grant list`: prints the grants that match the flags, of one namespace or of all, with their states. */
export async function grantListCommand(
  flags: Omit<GrantFlags, 'output'> &
    ListFlags & {
      readonly allNamespaces?: boolean;
      readonly name?: string;
      readonly state?: AccessGrantState;
      readonly selector?: LabelSelector;
    },
): Promise<void> {
  const { selector: labels, name, state, ...settings } = flags;
  await withAdministration(settings, async ({ administration, namespace }) => {
    const within = { ...(!flags.allNamespaces && { namespace }), name, state, labels };
    const emptyText =
      (labels ?? name ?? state)
        ? 'No grant matches.\n'
        : nothingListed('grants', namespace, flags.allNamespaces);
    const read = () => pagesOf((page) => administration.listGrants({ ...page, ...within }));
    await writeListing(read, { ...GRANT_LISTING, emptyText }, flags);
  });
}
