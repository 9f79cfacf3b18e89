import { formatLabels, type LabelFlags, labelsChange } from '../flags/label-flags.js';
import { withAdministration } from '../session/administration-session.js';
import { usageError } from '../terminal/command-error.js';
import { fields, print } from '../terminal/output.js';
import type { OutputFormat } from '../terminal/output-format.js';
import { namedRedemption } from './named-redemption.js';

/** `redemption update`: changes the labels and the note of a redemption and prints them. */
export async function redemptionUpdateCommand(
  name: string,
  flags: LabelFlags & { readonly output?: OutputFormat; readonly [setting: string]: unknown },
): Promise<void> {
  const change = labelsChange(flags);
  if (!change) {
    throw usageError('no change is given', 'use --label or --note');
  }
  await withAdministration(flags, async ({ administration }) => {
    const id = await namedRedemption(name, administration);
    const report = await administration.updateRedemption(id, change);
    await print(flags.output, report, () =>
      fields([
        ['ID', report.id],
        ['Name', report.name],
        ['Subject', report.subject],
        ['Labels', formatLabels(report.labels)],
        ['Note', report.note],
      ]),
    );
  });
}
