import { commandContext } from '../../config/command-context.js';
import { wrongCodesText } from '../../domain/access-grant.js';
import { withAdministration } from '../session/administration-session.js';
import { print, table } from '../terminal/output.js';
import { plain } from '../terminal/plain-text.js';
import type { GrantFlags } from './grant-create.js';
import { grantFields } from './grant-fields.js';

/** `grant show`: prints one grant and the last 10 attempts to redeem it. */
export async function grantShowCommand(nameOrUid: string, flags: GrantFlags): Promise<void> {
  await withAdministration(flags, async ({ administration, namespace }) => {
    const { uid } = await administration.findGrant(namespace, nameOrUid);
    const report = await administration.showGrant(uid);
    await print(flags.output, report, () =>
      [
        grantFields(report),
        '\nLast attempts\n',
        report.wrongCodes ? plain`${wrongCodesText(report.wrongCodes, commandContext().clock())}\n` : '',
        report.attempts.length === 0
          ? `${report.wrongCodes ? 'no other attempt' : 'none'}\n`
          : table(
              ['TIME', 'OUTCOME', 'NAME', 'SUBJECT', 'FROM', 'COUNT'],
              report.attempts.map(({ at, outcome, name, subject, peer, count }) => [
                at,
                outcome,
                name,
                subject,
                peer,
                String(count),
              ]),
            ),
      ].join(''),
    );
  });
}
