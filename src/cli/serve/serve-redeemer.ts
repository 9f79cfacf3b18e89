import { startKubernetesRedeemer } from '../../compose/kubernetes/kubernetes-redeemer.js';
import { startOperations } from '../../compose/operations.js';
import type { RuntimeContext } from '../../compose/runtime.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import { connectionOptions } from '../flags/connection-flags.js';
import { plainText } from '../terminal/plain-text.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';

/** Redeems the AccessTokens of a cluster until SIGTERM or SIGINT; resolves when everything is closed. */
export async function runRedeemer(settings: Settings, runtime: RuntimeContext): Promise<void> {
  const stop = shutdownSignal();
  const redeemer = await startKubernetesRedeemer(settings, connectionOptions({}), runtime);
  let operations: Awaited<ReturnType<typeof startOperations>> | undefined;
  try {
    operations =
      settings.opsListen &&
      (await startOperations(
        settings.opsListen,
        { parts: redeemer.readiness, metrics: () => redeemer.metrics.metrics() },
        runtime,
      ));
    commandContext().stdout.write(plainText(banner(settings.namespace, operations?.listening.port)));
    await stop;
  } finally {
    await redeemer.close();
    await operations?.close();
  }
}

function banner(namespace: string | undefined, opsPort: number | undefined): string {
  const where = namespace === undefined ? 'every namespace that grants it access' : `namespace ${namespace}`;
  const operations = opsPort === undefined ? '' : `, health and metrics on port ${opsPort}`;
  return [
    `Redeeming the AccessTokens of ${where}${operations}`,
    'Next: apply an AccessToken; `kubectl get accesstokens` shows the result',
    '',
  ].join('\n');
}
