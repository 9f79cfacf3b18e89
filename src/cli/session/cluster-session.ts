import type { OpenClusterAdministration } from '../../compose/kubernetes/open-cluster-administration.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { parseWindow } from '../flags/flag-values.js';
import { usageError } from '../terminal/command-error.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';

const DEFAULT_READY_MS = 60_000;

/** Runs `operation` with the administration of the cluster that the settings name, and closes it afterwards. */
export async function withCluster<T>(
  { deadline, allNamespaces, dryRun }: Readonly<Record<string, unknown>>,
  settings: Settings,
  operation: (cluster: OpenClusterAdministration) => Promise<T>,
): Promise<T> {
  if (settings.store !== undefined) {
    throw usageError(
      '--store cannot be combined with --platform kubernetes',
      'omit --store: grants and redemptions are resources of the cluster',
    );
  }
  const timeoutMs = parseWindow('--deadline', deadline as string | undefined) ?? DEFAULT_READY_MS;
  // Loaded only here: the Kubernetes client is large.
  const { openClusterAdministration } = await import(
    '../../compose/kubernetes/open-cluster-administration.js'
  );
  const cluster = await openClusterAdministration(settings, {
    clock: commandContext().clock,
    allNamespaces: allNamespaces === true,
    dryRun: dryRun === true,
    timeoutMs,
    shutdownSignal,
  });
  try {
    return await operation(cluster);
  } finally {
    await cluster.close();
  }
}
