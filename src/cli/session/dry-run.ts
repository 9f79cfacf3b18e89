import { writeStderr } from '../terminal/write-out.js';

/** Reports a dry run on standard error, before the result. Returns whether the command has `--dry-run`. */
export function announceDryRun({ dryRun }: { readonly dryRun?: unknown }): boolean {
  if (dryRun !== true) return false;
  writeStderr('Dry run: nothing is changed. Without --dry-run the result is:\n');
  return true;
}
