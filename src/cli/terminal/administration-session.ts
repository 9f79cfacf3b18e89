import { storeAdministration } from '../../compose/administration.js';
import { networkObserver } from '../../compose/connections.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { Administration } from '../../redemption/administration/administration.js';
import type { ConnectionObserver } from '../../redemption/ports/connections.js';
import { readBearerFile } from './bearer-file.js';
import { withCluster } from './cluster-session.js';
import { CommandError } from './command-error.js';
import { anyConfigurationFrom } from './configuration.js';
import { connectionOptions } from './connection-flags.js';
import { requirePlatform, withStoreOf } from './store-session.js';

/** The flags of a command, settings among them. */
type Flags = Readonly<Record<string, unknown>>;

/** The administration for commands on grants, tokens and redemptions: of a local store, a remote service or a cluster. */
export interface AdministrationSession {
  readonly administration: Administration;
  /** The namespace of the command: the setting, else the only one that the service serves, else `default`. */
  readonly namespace: string;
  /** The namespace of a command that names none. */
  readonly usualNamespace: string;
  /** The platform of the service, if it is known. */
  readonly platform: string | undefined;
  /** Observes which sites are connected; absent if nothing reports that, and with a remote service. */
  readonly connections?: ConnectionObserver | undefined;
  /** Reads the code of a grant; only in a cluster, where every reader of a grant may read it. */
  readonly readCode?: (uid: string) => Promise<string>;
}

/**
 * Runs `operation` with the administration of the service at `--server`, else of the cluster on Kubernetes, else of the configured
 * store, and closes that afterwards.
 */
export async function withAdministration<T>(
  flags: Flags,
  operation: (session: AdministrationSession) => Promise<T>,
): Promise<T> {
  const { settings } = anyConfigurationFrom(flags);
  const sessionOf = async (administration: Administration): Promise<AdministrationSession> => {
    const { namespace: usualNamespace, platform } = await administration.describeService();
    requirePlatform(flags.platform, platform);
    return { administration, namespace: settings.namespace ?? usualNamespace, usualNamespace, platform };
  };
  if (settings.server || settings.platform !== 'kubernetes') refuseDeadline(flags);
  if (settings.server) return operation(await sessionOf(await openServer(settings.server, settings, flags)));
  if (settings.platform === 'kubernetes') {
    return withCluster(flags, settings, ({ administration, connections, namespace, usualNamespace }) => {
      const readCode = (uid: string) => administration.readCode(uid);
      const names = { namespace, usualNamespace, platform: 'kubernetes' };
      return operation({ administration, connections, ...names, readCode });
    });
  }
  const connections = networkObserver(settings, Date.now);
  return withStoreOf(settings, async (session) => {
    const administration = storeAdministration({ ...session, connections });
    return operation({ ...(await sessionOf(administration)), connections });
  });
}

function refuseDeadline({ deadline }: Flags): void {
  if (deadline === undefined) return;
  throw new CommandError('--deadline is for --platform kubernetes', {
    exitCode: 2,
    hint: 'leave it out: outside a cluster a new grant is not waited for',
  });
}

async function openServer(url: URL, settings: Settings, flags: Flags): Promise<Administration> {
  if (flags.store !== undefined) {
    throw new CommandError('--store and --server exclude each other', {
      exitCode: 2,
      hint: 'leave one out: either this command opens the store, or the service does',
    });
  }
  const { serverTokenFile, serverCa: caFile } = settings;
  if (serverTokenFile === undefined) {
    throw new CommandError('--server needs a bearer token', {
      exitCode: 2,
      hint: 'name the file that holds it with --server-token-file',
    });
  }
  const bearer = readBearerFile(serverTokenFile);
  const { serverAdministration } = await import('../../compose/server-administration.js');
  return serverAdministration({ url, caFile, bearer }, { ...connectionOptions({}), clock: Date.now });
}

/** Throws a CommandError if `--server` is given to a command that needs the store itself; `why` is the message. */
export function refuseServer(flags: Flags, why: string): void {
  if (flags.server === undefined) return;
  throw new CommandError(why, { exitCode: 2, hint: 'run it on the host of the service, without --server' });
}
