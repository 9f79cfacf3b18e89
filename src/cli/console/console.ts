import { createInterface } from 'node:readline';
import { consoleFiles } from '../../compose/console-files.js';
import { startLocalConsole } from '../../compose/local-console.js';
import { commandContext, isTerminal, programName } from '../../config/command-context.js';
import type { Configuration } from '../../config/config.js';
import { createLogger } from '../../config/logger.js';
import { userName } from '../../files/system-user.js';
import { loopbackError, parsePort } from '../browser/loopback-port.js';
import { openBrowser } from '../browser/open-browser.js';
import { withAdministration } from '../session/administration-session.js';
import { checkedAdministration } from '../session/checked-administration.js';
import { shutdownSignal } from '../terminal/shutdown-signal.js';
import { completeCommand } from '../terminal/suggested-command.js';
import { writeOut } from '../terminal/write-out.js';

/** The flags of `console`, including settings. */
export interface ConsoleFlags {
  readonly port?: string;
  /** False with `--no-open`. */
  readonly open: boolean;
  readonly [flag: string]: unknown;
}

/** `console`: serves the web console on a loopback port until SIGINT, SIGTERM or SIGHUP, and prints one-time URLs. */
export async function consoleCommand(flags: ConsoleFlags): Promise<void> {
  const port = parsePort(flags.port);
  const files = consoleFiles();
  await withAdministration(flags, async (session) => {
    const { administration, configuration, namespace } = session;
    const { stdin, stdout, env, clock } = commandContext();
    const { settings } = configuration;
    const isCluster = settings.platform === 'kubernetes' && !settings.server;
    const onlyNamespace = isCluster && flags.allNamespaces !== true ? namespace : undefined;
    const where = describeTarget(configuration, onlyNamespace);
    const report = (line: string) => void writeOut(`${line}\n`).catch(() => undefined);
    let deleteFile = () => {};
    // Only a remote service returns a role. A store or a cluster checks the rights of each operation itself.
    const { role = 'operator' } = await administration.describeService();
    // Until here a signal ends the process. SIGHUP: the user closed the terminal.
    const hangUp = new Promise<void>((resolve) => process.once('SIGHUP', () => resolve()));
    const stop = Promise.race([shutdownSignal(), hangUp]);
    const console = await startLocalConsole({
      administration: checkedAdministration(session, flags),
      where,
      namespace: onlyNamespace,
      isCluster,
      isRemote: settings.server !== undefined,
      port,
      files,
      clock,
      user: userName(),
      role,
      program: programName(),
      commandFlags: completeCommand('linkgrant console', flags).slice('linkgrant console'.length),
      logger: createLogger('error'),
      onOpen(outcome) {
        deleteFile();
        report(
          outcome === 'opened'
            ? 'A browser opened the URL.'
            : 'A used URL was opened again and refused. If that was not you, another program has read the URL: end this command.',
        );
      },
    }).catch((error: unknown) => {
      throw loopbackError(error, port);
    });
    const lines = createInterface({ input: stdin, terminal: false });
    try {
      const announce = () => {
        const url = console.issueUrl();
        report(`Open within 60 seconds, once:\n\n  ${url}\n`);
        return url;
      };
      await writeOut(
        `Console of ${where} on port ${console.port}. Enter prints a new URL, Ctrl-C ends the console.\n`,
      );
      const url = announce();
      lines.on('line', announce);
      if (flags.open && isTerminal(stdout)) deleteFile = openBrowser(url, env);
      await stop;
    } finally {
      lines.close();
      deleteFile();
      console.close();
    }
  });
}

/** Returns what the console administers, for messages and for the page; in a cluster `namespace` or all namespaces. */
function describeTarget({ settings, maskedValues }: Configuration, namespace: string | undefined): string {
  const { server } = settings;
  if (server) return `service ${typeof server === 'string' ? server : server.host}`;
  if (settings.platform === 'kubernetes')
    return namespace === undefined
      ? 'all namespaces of the cluster'
      : `namespace ${namespace} of the cluster`;
  return settings.store ? `store ${maskedValues.store}` : `data directory ${settings.dataDir}`;
}
