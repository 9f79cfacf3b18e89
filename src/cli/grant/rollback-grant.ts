import { processContext } from '../../config/process-context.js';
import type { Administration } from '../../redemption/administration/administration.js';
import type { GrantReport } from '../../redemption/administration/grant-report.js';
import { CommandError } from '../terminal/command-error.js';
import { OutputClosed } from '../terminal/write-out.js';

/**
 * What `show` gives, which hands a new grant's code to whoever asked for it. When it fails nobody has the code, so the grant
 * is deleted again. The failure stays the one of `show`; a reader that went away becomes a CommandError here, because it
 * has undone something.
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
      processContext().stderr.write(
        `warning: the grant could not be deleted again; \`${command}\` does so\n`,
      );
    }
    if (!(error instanceof OutputClosed)) throw error;
    throw new CommandError(
      `nobody read the code of grant "${grant.name}"${left ? '' : ', so it was deleted again'}`,
      {
        exitCode: 1,
        hint: 'let what reads standard output read to its end, or have a token written to a file',
        cause: error,
      },
    );
  }
}
