import { storeAdministration } from '../../compose/administration-dependencies.js';
import type { ClusterInspector } from '../../compose/kubernetes/open-cluster-administration.js';
import { networkObserver } from '../../compose/network-observers.js';
import { undecidedRestore } from '../../compose/undecided-restore.js';
import { commandContext } from '../../config/command-context.js';
import type { Configuration, Flags } from '../../config/config.js';
import type { Settings } from '../../config/setting-schemas.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { UnreadableFileError } from '../../files/file-error.js';
import { readService, type ServiceDescription } from '../../redemption/accepting/service-description.js';
import type { Administration } from '../../redemption/administration/administration.js';
import type { ConnectionObserver } from '../../redemption/ports/connections.js';
import { connectionOptions } from '../flags/connection-flags.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { plain } from '../terminal/plain-text.js';
import { readPrivateText } from '../terminal/private-text.js';
import { writeStderr } from '../terminal/write-out.js';
import { withCluster } from './cluster-session.js';
import { configurationFrom } from './configuration.js';
import { announceDryRun } from './dry-run.js';
import { serviceError } from './service-error.js';
import { requirePlatform, type StoreSession, withStore } from './store-session.js';

const BEARER = /^[\w.~+/=-]+$/;

/** The administration for commands on grants, tokens and redemptions: of a local store, a remote service or a cluster. */
export interface AdministrationSession {
  readonly administration: Administration;
  /** The namespace of the command: the setting, else the only one that the service serves, else `default`. */
  readonly namespace: string;
  readonly configuration: Configuration;
  /** The platform of the service, if it is known. */
  readonly platform: string | undefined;
  /** Observes which sites are connected; absent with a remote service, and without a source of this information. */
  readonly connections?: ConnectionObserver | undefined;
  /** Reads the description that the service has published; only with a store. */
  readonly readService?: () => Promise<ServiceDescription | undefined>;
  /** Reads what `doctor` and the console check in a cluster; only in a cluster. */
  readonly inspector?: ClusterInspector;
  /** Reads the code of a grant; only in a cluster, where everyone who may read the AccessGrant can read its code. */
  readonly readCode?: (uid: string) => Promise<string>;
}

/**
 * Runs `operation` with the administration of the service at `--server`, else of the cluster on Kubernetes, else of the
 * configured store, and closes the cluster or store afterwards. With `--dry-run` nothing is changed.
 */
export async function withAdministration<T>(
  flags: Flags,
  operation: (session: AdministrationSession) => Promise<T>,
): Promise<T> {
  // Here the flag --identities is a rule of a grant, and not the setting of `serve`.
  const { identities: _rule, ...settingFlags } = flags;
  const configuration = configurationFrom(settingFlags);
  const { settings } = configuration;
  const { server } = settings;
  if (server || settings.platform !== 'kubernetes') refuseDeadline(flags);
  if (server && flags.dryRun) {
    throw usageError(
      '--dry-run cannot be combined with --server',
      'run the command on the host of the service, without --server',
    );
  }
  const dryRun = announceDryRun(flags);
  if (server) {
    if (flags.store !== undefined) {
      throw usageError(
        '--store and --server exclude each other',
        'omit one: either this command opens the store, or the service does',
      );
    }
    const onServer = async (administration: Administration) => {
      const { namespace: defaultNamespace, platform } = await administration.describeService();
      requirePlatform(flags.platform, platform);
      const namespace = settings.namespace ?? defaultNamespace;
      return operation({ administration, configuration, namespace, platform });
    };
    return withServer(await connectionTo(server, settings), onServer);
  }
  if (settings.platform === 'kubernetes') {
    return withCluster(flags, settings, ({ administration, connections, namespace, inspector }) =>
      operation({
        administration,
        configuration,
        connections,
        namespace,
        platform: 'kubernetes',
        inspector,
        readCode: (uid) => administration.readCode(uid),
      }),
    );
  }
  const { clock } = commandContext();
  const connections = networkObserver(settings, clock);
  const onStore = (session: StoreSession) => {
    const { namespace, service } = session;
    const administration = storeAdministration({ ...session, connections });
    return operation({
      administration,
      configuration,
      connections,
      namespace,
      platform: service?.platform,
      readService: () => readService(session.store),
    });
  };
  const result = await withStore(settings, flags, onStore, dryRun);
  // A command that writes has failed with this reason.
  const undecided = undecidedRestore(settings.dataDir);
  if (undecided) writeStderr(plain`warning: ${undecided.message}; ${undecided.hint}\n`);
  return result;
}

interface ServerConnection {
  readonly url: URL;
  readonly caFile: string | undefined;
  readonly bearer: () => Promise<string>;
  /** What to do if the service refuses the bearer token; absent for the default hint. */
  readonly refusedHint?: string;
}

async function withServer<T>(
  { refusedHint, bearer, ...connection }: ServerConnection,
  operation: (administration: Administration) => Promise<T>,
): Promise<T> {
  const { serverAdministration } = await import('../../compose/server-administration.js');
  const options = connectionOptions({});
  try {
    const server = { ...connection, bearer: () => bearer().catch(throwRefusal) };
    return await operation(serverAdministration(server, options));
  } catch (error) {
    const isRefused = error instanceof AdministrationError && error.code.startsWith('bearer_');
    if (!isRefused || refusedHint === undefined) throw serviceError(error);
    const hint = error.hint ?? refusedHint;
    throw new AdministrationError(error.code, error.message, { hint, cause: error });
  }
}

/** Throws a failure to get a bearer token as an AdministrationError, whose message and hint the web console shows. */
function throwRefusal(error: unknown): never {
  if (!(error instanceof CommandError || error instanceof UnreadableFileError)) throw error;
  const { message, hint } = error;
  const isTemporary = error instanceof CommandError && error.exitCode === 4;
  const code = isTemporary ? 'identity_unavailable' : 'bearer_invalid';
  throw new AdministrationError(code, message, { hint, cause: error });
}

function refuseDeadline({ deadline }: Flags): void {
  if (deadline === undefined) return;
  throw usageError(
    '--deadline needs --platform kubernetes',
    'omit --deadline: outside a cluster a new grant is ready at once',
  );
}

/** Returns the connection to a service; `server` is its URL, or the name of a login. */
async function connectionTo(
  server: URL | string,
  { serverTokenFile, serverCa }: Settings,
): Promise<ServerConnection> {
  if (typeof server === 'string') {
    const { requireLogin } = await import('../login/logins.js');
    const { accessTokenOf, loginAgain } = await import('../login/bearer-token.js');
    const login = requireLogin(server);
    return {
      url: new URL(login.server),
      caFile: serverCa ?? login.serverCa,
      bearer: () => accessTokenOf(server),
      refusedHint: loginAgain(server),
    };
  }
  if (serverTokenFile === undefined) {
    throw usageError(
      '--server needs a bearer token',
      `log in with \`linkgrant login ${server.origin}\` and use the name of the login as --server, or set --server-token-file`,
    );
  }
  // An unusable file is reported at the start. Later another tool may have replaced a token that expires soon.
  readBearerFile(serverTokenFile);
  return { url: server, caFile: serverCa, bearer: async () => readBearerFile(serverTokenFile) };
}

/** Throws a CommandError with the message `reason` if a command that opens the store has the flag `--server`. */
export function refuseServer(flags: Flags, reason: string): void {
  if (flags.server === undefined) return;
  throw usageError(reason, 'run the command on the host of the service, without --server');
}

/**
 * Returns the bearer token in a file that only its owner may read. Throws a CommandError or UnreadableFileError, whose message
 * does not contain the content.
 */
function readBearerFile(file: string): string {
  const bearer = readPrivateText(file).trim();
  if (BEARER.test(bearer)) return bearer;
  throw usageError(
    `${file} contains no bearer token`,
    'the file must contain only the access token, in one line',
  );
}
