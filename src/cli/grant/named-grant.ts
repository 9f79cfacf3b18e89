import { AdministrationError } from '../../domain/administration-error.js';
import { isUuid } from '../../domain/names.js';
import type { Administration } from '../../redemption/administration/administration.js';
import { everyItem } from '../../redemption/ports/page.js';
import { usageError } from '../terminal/command-error.js';

/**
 * Returns the uid of the grant with this name or uid; undefined for no name. Also finds a deleted grant while the ledger has its
 * name. Rejects with AdministrationError `no_such_grant` if there is none, and with a CommandError if several deleted grants had the name.
 */
export async function namedGrantUid(
  administration: Administration,
  namespace: string,
  grant: string | undefined,
): Promise<string | undefined> {
  if (grant === undefined || isUuid(grant)) return grant;
  try {
    return (await administration.findGrant(namespace, grant)).uid;
  } catch (error) {
    if (!(error instanceof AdministrationError && error.code === 'no_such_grant')) throw error;
    const uids = await deletedGrants(administration, grant);
    if (uids.length > 1)
      throw usageError(
        `"${grant}" was the name of ${uids.length} deleted grants`,
        `use the uid of one: ${uids.join(', ')}`,
      );
    if (uids[0] === undefined) throw error;
    return uids[0];
  }
}

/** Returns the uids of the deleted grants with this name; none if the ledger cannot be read. */
async function deletedGrants(administration: Administration, name: string): Promise<readonly string[]> {
  const deletions = await everyItem((page) => administration.listEvents({ ...page, kind: 'deleted' })).catch(
    () => [],
  );
  return deletions.flatMap(({ grant, grantUid }) => (grant === name && grantUid ? [grantUid] : []));
}
