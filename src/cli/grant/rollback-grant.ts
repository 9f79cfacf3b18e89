import { shell } from '../../domain/shell-words.js';
import type { Administration } from '../../redemption/administration/administration.js';
import type { GrantReport } from '../../redemption/administration/reports/grant-report.js';
import { CommandError } from '../terminal/command-error.js';
import { OutputClosed, writeStderr } from '../terminal/write-out.js';

/**
 * Runs `write`, which writes the code or a token of a new grant. If it fails, deletes the grant, because its code is lost, and
 * rejects with the failure. If standard output was closed, the message of the failure names the grant and says whether it was deleted.
 */
export async function rollbackOnFailure<T>(
  grant: Pick<GrantReport, 'uid' | 'name' | 'namespace'>,
  administration: Pick<Administration, 'deleteGrant'>,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const isDeleted = await administration.deleteGrant(grant.uid).then(
      () => true,
      () => false,
    );
    if (!isDeleted) {
      const command = shell`linkgrant grant delete ${grant.name} -n ${grant.namespace}`;
      writeStderr(`warning: deleting the grant failed; run \`${command}\`\n`);
    }
    if (!(error instanceof OutputClosed)) throw error;
    throw new CommandError(
      `standard output was closed before the code of grant "${grant.name}" was read${isDeleted ? ', so the grant was deleted' : ''}`,
      {
        exitCode: 1,
        hint: 'check the command that reads standard output, or write a token to a file',
        cause: error,
      },
    );
  }
}
