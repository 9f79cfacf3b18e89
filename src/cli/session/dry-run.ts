import { writeStderr } from '../terminal/write-out.js';

/** Returns whether a command has `--dry-run`, and then reports it on standard error, before the result. */
export function announceDryRun({ dryRun }: { readonly dryRun?: unknown }): boolean {
  if (dryRun !== true) return false;
  writeStderr('Dry run: nothing is changed. Without --dry-run the result is:\n');
  return true;
}
