import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OidcClient, UserTokens } from '../../admin/oidc-client.js';
import { createLoginClient, loginByBrowser, readLoginProvider } from '../../compose/oidc-login.js';
import { serverAdministration } from '../../compose/server-administration.js';
import { commandContext, isTerminal } from '../../config/command-context.js';
import { isLoginName, SETTING_SCHEMAS } from '../../config/setting-schemas.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { shell } from '../../domain/shell-words.js';
import { withinTime } from '../../time/abort.js';
import { loopbackError, parsePort } from '../browser/loopback-port.js';
import { openBrowser } from '../browser/open-browser.js';
import { connectionOptions } from '../flags/connection-flags.js';
import { configurationFrom } from '../session/configuration.js';
import { serviceError } from '../session/service-error.js';
import { CommandError, invalidValue, usageError } from '../terminal/command-error.js';
import { plain } from '../terminal/plain-text.js';
import { withShutdownSignal } from '../terminal/shutdown-signal.js';
import { writeOut } from '../terminal/write-out.js';
import { providerError, tokenFields } from './bearer-token.js';
import { findLogin, requireLogin, withLoginLock, writeLogin } from './logins.js';

const BROWSER_TIMEOUT_MS = 600_000;

/** Flags of `login`; the rest are settings. */
export interface LoginFlags {
  readonly name?: string;
  readonly issuerCa?: string;
  readonly device?: boolean;
  readonly port?: string;
  /** False with `--no-open`. */
  readonly open: boolean;
  readonly [setting: string]: unknown;
}

/** `login`: logs the user in at the OIDC provider of a service, and stores the tokens for commands with `--server`. */
export async function loginCommand(target: string | undefined, flags: LoginFlags): Promise<void> {
  const { name, server, serverCa, issuerCa } = loginTarget(target, flags);
  const options = connectionOptions({});
  const provider = await readLoginProvider(server, serverCa, options).catch((error: unknown) => {
    throw serviceError(error);
  });
  if (!provider) {
    throw usageError(
      `the service at ${server.origin} has no client for \`linkgrant login\``,
      'ask its operator to set --login-client, or use --server-token-file',
    );
  }
  const client = createLoginClient({ ...provider, issuerCa }, options);
  const tokens = await (flags.device
    ? loginOnOtherDevice(client, provider.issuer)
    : loginOnThisMachine(client, flags)
  ).catch((error: unknown) => {
    throw providerError(error);
  });
  const bearer = async () => tokens.accessToken;
  const { role } = await serverAdministration({ url: server, caFile: serverCa, bearer }, options)
    .describeService()
    .catch((error: unknown) => {
      throw refusedToken(error, provider.clientId);
    });
  const login = {
    ...provider,
    scopes: [...provider.scopes],
    serverCa,
    issuerCa,
    server: server.origin,
    user: tokens.userName,
    ...tokenFields(tokens),
  };
  await withLoginLock(async () => writeLogin(name, login));
  await writeOut(
    plain`Logged in to ${server.origin} as ${tokens.userName} (${role}).\nUse it with --server ${name}, or set LINKGRANT_SERVER=${name}.\n`,
  );
}

/** Returns the login to write and its service. `target` is the URL of the service or the name of an earlier login. */
function loginTarget(target: string | undefined, flags: LoginFlags) {
  const { settings } = configurationFrom(flags);
  const server = target === undefined ? settings.server : SETTING_SCHEMAS.server.safeParse(target).data;
  if (server === undefined) {
    throw usageError(
      target === undefined ? 'login needs the URL of a service' : `"${target}" is no URL of a service`,
      'use the https URL of its admin API without a path, such as https://grants.example.com:9443',
    );
  }
  const serverCa = settings.serverCa && resolve(settings.serverCa);
  const issuerCa = flags.issuerCa === undefined ? undefined : resolve(flags.issuerCa);
  if (typeof server === 'string') {
    const login = requireLogin(server);
    if (flags.name !== undefined && flags.name !== server) {
      throw usageError(
        '--name has no effect with the name of a login',
        shell`use the URL for another login: \`linkgrant login ${login.server} --name ${flags.name}\``,
      );
    }
    return {
      name: server,
      server: new URL(login.server),
      serverCa: serverCa ?? login.serverCa,
      issuerCa: issuerCa ?? login.issuerCa,
    };
  }
  return { name: newLoginName(server, flags.name), server, serverCa, issuerCa };
}

/**
 * Returns `requestedName`, else the host of the service. Throws a CommandError if it is invalid, or the name of another
 * service's login.
 */
function newLoginName(server: URL, requestedName: string | undefined): string {
  const name = requestedName ?? server.hostname.replace(/[^\w.-]+/g, '-').replace(/^\W+|\W+$/g, '');
  if (!isLoginName(name)) {
    throw invalidValue(
      '--name',
      name,
      'use at most 100 letters, digits, -, _ and ., with a letter or digit first',
    );
  }
  const other = serverOf(name);
  if (other === undefined || other === server.origin) return name;
  throw usageError(`the login "${name}" is for ${other}`, 'choose another name with --name');
}

/** Returns the service of a login; undefined without one, and for an invalid file, so that a new login replaces it. */
function serverOf(name: string): string | undefined {
  try {
    return findLogin(name)?.server;
  } catch {
    return undefined;
  }
}

async function loginOnThisMachine(client: OidcClient, { open, port }: LoginFlags): Promise<UserTokens> {
  const { stdout, env } = commandContext();
  const loopbackPort = parsePort(port);
  let deleteFile = () => {};
  const onUrl = async (url: string) => {
    await writeOut(`Log in with a browser on this machine (without one, use --device):\n\n  ${url}\n\n`);
    if (open && isTerminal(stdout)) deleteFile = openBrowser(url, env);
  };
  return withShutdownSignal(async (cancelled) => {
    try {
      return await withinTime(BROWSER_TIMEOUT_MS, [cancelled], (signal) =>
        loginByBrowser(client, { port: loopbackPort, signal, onUrl }),
      );
    } catch (error) {
      if (cancelled.aborted) throw notCompleted('was cancelled', error);
      if ((error as Error).name === 'TimeoutError') throw notCompleted('was not completed in time', error);
      throw loopbackError(error, loopbackPort);
    } finally {
      deleteFile();
    }
  });
}

async function loginOnOtherDevice(client: OidcClient, issuer: string): Promise<UserTokens> {
  const start = await client.startDevice();
  if (!start) {
    throw usageError(
      `${issuer} offers no login on another device`,
      'run the command without --device on a machine with a browser',
    );
  }
  const { verification_uri: url, verification_uri_complete: complete, user_code: code } = start;
  const shortcut = complete === undefined ? '' : plain`, or open\n\n  ${complete}\n`;
  await writeOut(`${plain`Open ${url} on any device and enter the code ${code}`}${shortcut}\n`);
  const end = commandContext().clock() + start.expires_in * 1000;
  let seconds = start.interval;
  while (commandContext().clock() < end) {
    await sleep(seconds * 1000);
    const result = await client.pollDevice(start).catch(slowDownWhileUnavailable);
    if (typeof result !== 'string') return result;
    // RFC 8628 §3.5
    if (result === 'slow_down') seconds += 5;
  }
  throw notCompleted('was not completed in time');
}

function slowDownWhileUnavailable(error: unknown): 'slow_down' {
  if (error instanceof AdministrationError && error.code === 'identity_unavailable') return 'slow_down';
  throw error;
}

function notCompleted(reason: string, cause?: unknown): CommandError {
  return new CommandError(`the login ${reason}`, { exitCode: 1, hint: 'run the command again', cause });
}

function refusedToken(error: unknown, clientId: string): unknown {
  if (!(error instanceof AdministrationError) || error.code !== 'bearer_invalid') return error;
  return new AdministrationError(error.code, 'the service does not accept the token of the OIDC provider', {
    hint: `ask its operator to check that access tokens for the client ${clientId} are JWTs with the audience of --admin-audience`,
    cause: error,
  });
}
