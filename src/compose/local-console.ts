import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { createAdminApp } from '../admin/api/admin-app.js';
import { ChangeStreams } from '../admin/api/change-streams.js';
import { consoleAuthentication } from '../admin/console/console-access.js';
import { type ConsoleRouterDependencies, createConsoleRouter } from '../admin/console/console-router.js';
import { LOOPBACK_CONNECTIONS, listenOnLoopback } from '../admin/console/loopback-server.js';
import { OneTimeAccess, type OneTimeAccessOptions } from '../admin/console/one-time-access.js';
import { version } from '../config/version.js';
import { ConnectionTable } from '../http/connection-table.js';
import type { Administration } from '../redemption/administration/administration.js';

/** Options of {@link startLocalConsole}. */
export interface LocalConsoleOptions
  extends Omit<OneTimeAccessOptions, 'origin'>,
    Omit<ConsoleRouterDependencies, 'access' | 'version'> {
  readonly administration: Administration;
  /** 0 for a free one. */
  readonly port: number;
  readonly logger: Logger;
}

/** A running console for the user who started it in a terminal. */
export interface LocalConsole {
  readonly port: number;
  readonly origin: string;
  /** Returns a URL that starts a session, once and within 60 seconds. */
  issueUrl(): string;
  close(): void;
}

/**
 * Starts the console on a loopback port. Except on macOS, its host name is a random one below `localhost`, which browsers
 * resolve to this machine. With `localhost` itself, a server of another user could read the cookies, because browsers send
 * them to every port of a host name.
 */
export async function startLocalConsole(options: LocalConsoleOptions): Promise<LocalConsole> {
  const { administration, files, where, namespace, isCluster, isRemote, program, commandFlags, logger } =
    options;
  const connections = new ConnectionTable(LOOPBACK_CONNECTIONS);
  const server = await listenOnLoopback(options.port, connections);
  // Safari does not resolve names under `localhost`.
  const host = process.platform === 'darwin' ? '127.0.0.1' : `${randomBytes(16).toString('hex')}.localhost`;
  const access = new OneTimeAccess({ ...options, origin: `http://${host}:${server.port}` });
  const streams = new ChangeStreams(administration);
  const app = createAdminApp({
    administration,
    streams,
    authenticate: consoleAuthentication(access),
    console: createConsoleRouter({
      access,
      files,
      where,
      namespace,
      isCluster,
      isRemote,
      program,
      commandFlags,
      version: version(),
    }),
    countFailure: () => true,
    peerOf: ({ socket }) => socket.remoteAddress ?? '',
    onAuthenticated: ({ socket }) => connections.markProven(socket),
    observer: { adminAnswered: () => {}, authenticationLimited: () => {} },
    logger,
  });
  server.serve(host, app as RequestListener);
  return {
    port: server.port,
    origin: access.origin,
    issueUrl: () => access.issueUrl(),
    close() {
      streams.close();
      server.close();
    },
  };
}
