import { processContext } from '../../config/process-context.js';
import type { Administration } from '../../redemption/administration/administration.js';
import type { GrantReport } from '../../redemption/administration/reports/grant-report.js';
import { CommandError } from '../terminal/command-error.js';
import { OutputClosed } from '../terminal/write-out.js';

/**
 * Runs `show`, which writes the code of a new grant. If it fails, no one has the code, so the grant is deleted. The failure
 * of `show` is rethrown; a closed standard output becomes a CommandError, because the command has changed something.
 */
export async function rollbackOnFailure<T>(
  grant: Pick<GrantReport, 'uid' | 'name' | 'namespace'>,
  administration: Pick<Administration, 'deleteGrant'>,
  show: () => Promise<T>,
): Promise<T> {
  try {
    return await show();
  } catch (error) {
    const left = await administration.deleteGrant(grant.uid).then(
      () => false,
      () => true,
    );
    if (left) {
      const command = `linkgrant grant delete ${grant.name} -n ${grant.namespace}`;
      processContext().stderr.write(`warning: deleting the grant failed; run \`${command}\`\n`);
    }
    if (!(error instanceof OutputClosed)) throw error;
    throw new CommandError(
      `standard output was closed before the code of grant "${grant.name}" was read${left ? '' : ', so it was deleted'}`,
      {
        exitCode: 1,
        hint: 'check the command that reads standard output, or write a token to a file',
        cause: error,
      },
    );
  }
}
