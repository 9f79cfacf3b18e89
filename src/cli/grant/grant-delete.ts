import { withAdministration } from '../session/administration-session.js';
import { plain } from '../terminal/plain-text.js';
import { writeOut } from '../terminal/write-out.js';
import type { GrantFlags } from './grant-create.js';

/** `grant delete`: deletes a grant; its redemptions stay in the ledger. */
export async function grantDeleteCommand(nameOrUid: string, flags: GrantFlags): Promise<void> {
  await withAdministration(flags, async ({ administration, namespace }) => {
    const { uid, name } = await administration.findGrant(namespace, nameOrUid);
    await administration.deleteGrant(uid);
    await writeOut(
      plain`Grant "${name}" is deleted. Its redemptions stay in the ledger, and its links stay valid.\n`,
    );
  });
}
