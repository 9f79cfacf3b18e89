import type { Leftover } from '../compose/kubernetes/open-cluster-administration.js';
import { withCluster } from './session/cluster-session.js';
import { configurationFrom } from './session/configuration.js';
import { CommandError, usageError } from './terminal/command-error.js';
import { print } from './terminal/output.js';
import type { OutputFormat } from './terminal/output-format.js';

/** The flags of `uninstall`, including settings. */
export interface UninstallFlags {
  readonly allNamespaces?: boolean;
  readonly withCrd?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly output?: OutputFormat;
  readonly [setting: string]: unknown;
}

const RUNNING = { service: 'the service', redeemer: 'the redeemer of AccessTokens' } as const;

/** `uninstall`: deletes the resources that a removed service left in its namespace; with `--with-crd` the CRD too. */
export async function uninstallCommand({
  withCrd = false,
  dryRun = false,
  yes = false,
  output,
  ...flags
}: UninstallFlags): Promise<void> {
  const { settings } = configurationFrom(flags);
  if (settings.platform !== 'kubernetes') {
    throw usageError(
      `on ${settings.platform} linkgrant has only files, which uninstall does not delete`,
      'for a cluster use --platform kubernetes; docs/reference/files.md lists the files',
    );
  }
  if (withCrd && !flags.allNamespaces) {
    throw usageError('--with-crd deletes the Redemptions of every namespace', 'add -A to confirm');
  }
  await withCluster(flags, settings, async ({ uninstallation }) => {
    const { findRunning, find, remove } = uninstallation({ withCrd });
    const program = dryRun ? undefined : await findRunning();
    if (program !== undefined) {
      throw new CommandError(`${RUNNING[program]} still runs, and would recreate the deleted objects`, {
        exitCode: 1,
        hint: 'delete its Deployment first (docs/how-to/kubernetes.md), and wait until it has stopped; --dry-run lists what would be deleted',
      });
    }
    const isDeletion = yes && !dryRun;
    const { own, redeemable, policies } = isDeletion ? await remove() : await find();
    const report = { removed: isDeletion, deleted: own, redeemableGrants: redeemable, policies };
    await print(output, report, () =>
      [
        ...own.map((resource) => `${isDeletion ? 'Deleted' : 'To be deleted'}: ${resourceText(resource)}\n`),
        own.length === 0 ? 'There are no resources of a removed service.\n' : '',
        redeemable.length === 0 ? '' : redeemableText(redeemable),
        policies.length === 0 ? '' : policiesText(policies),
      ].join(''),
    );
    if (isDeletion || dryRun || own.length === 0) return;
    throw usageError('nothing was removed', 'add --yes to delete them');
  });
}

function redeemableText(grants: readonly Leftover[]): string {
  return [
    'A new service would redeem these grants again, and spent uses count only while the Redemptions exist. Delete the grants that you do not need:\n',
    ...grants.map((grant) => `  ${resourceText(grant)}\n`),
  ].join('');
}

function policiesText(policies: readonly Leftover[]): string {
  const names = policies.map(({ name }) => name).join(' ');
  return [
    'These admission policies limit the accounts of every service and redeemer in the cluster. Delete them after the last of these is removed:\n',
    `  kubectl delete validatingadmissionpolicies,validatingadmissionpolicybindings ${names}\n`,
  ].join('');
}

function resourceText({ kind, namespace, name }: Leftover): string {
  return `${kind}/${name}${namespace === undefined ? '' : ` in namespace ${namespace}`}`;
}
