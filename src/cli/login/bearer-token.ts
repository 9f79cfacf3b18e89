import type { UserTokens } from '../../admin/oidc-client.js';
import { commandContext } from '../../config/command-context.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { connectionOptions } from '../flags/connection-flags.js';
import { CommandError, type ExitCode } from '../terminal/command-error.js';
import { plainLine } from '../terminal/plain-text.js';
import { type Login, requireLogin, withLoginLock, writeLogin } from './logins.js';

// A request that starts now must arrive before the token expires.
const MARGIN_MS = 30_000;
// A longer lifetime could end after the last valid Date.
const MAX_LIFETIME_SECONDS = 365 * 24 * 3_600;
const MAX_REASON_LENGTH = 300;

/** Returns the members of a login that new tokens change. */
export function tokenFields({
  accessToken,
  refreshToken,
  expiresIn,
}: UserTokens): Pick<Login, 'accessToken' | 'refreshToken' | 'expiresAt'> {
  return {
    accessToken,
    ...(refreshToken !== undefined && { refreshToken }),
    ...(expiresIn !== undefined && {
      expiresAt: commandContext().clock() + Math.min(expiresIn, MAX_LIFETIME_SECONDS) * 1000,
    }),
  };
}

/** Returns the access token of a login, renewed if it expires soon. Rejects with CommandError if the user must log in again. */
export async function accessTokenOf(name: string): Promise<string> {
  const login = requireLogin(name);
  if (isFresh(login)) return login.accessToken;
  // A provider may accept a refresh token only once. So one of the concurrent commands renews the tokens; the others read them.
  return withLoginLock(async () => {
    const current = requireLogin(name);
    if (isFresh(current)) return current.accessToken;
    const { expiresAt: _, ...rest } = current;
    const renewed = { ...rest, ...tokenFields(await refresh(name, current)) };
    writeLogin(name, renewed);
    return renewed.accessToken;
  });
}

function isFresh({ expiresAt }: Login): boolean {
  return expiresAt === undefined || commandContext().clock() < expiresAt - MARGIN_MS;
}

async function refresh(name: string, login: Login): Promise<UserTokens> {
  if (login.refreshToken === undefined) throw loginEnded(name, 'has expired');
  const { createLoginClient } = await import('../../compose/oidc-login.js');
  try {
    const client = createLoginClient(login, connectionOptions({}));
    return await client.refresh(login.refreshToken);
  } catch (error) {
    if (!(error instanceof AdministrationError)) throw error;
    if (error.code === 'bearer_invalid') throw loginEnded(name, 'was ended by the OIDC provider', error);
    throw providerError(error, name);
  }
}

function loginEnded(name: string, reason: string, cause?: unknown): CommandError {
  return new CommandError(`the login "${name}" ${reason}`, { exitCode: 3, hint: loginAgain(name), cause });
}

/** The hint of an error after which the user has to log in again. */
export function loginAgain(name: string): string {
  return `log in again: \`linkgrant login ${name}\``;
}

/**
 * Converts a failure at the OIDC provider to a CommandError with the reason; returns other errors unchanged. `name` is the login
 * whose tokens are used; absent during `login` and `logout`.
 */
export function providerError(error: unknown, name?: string): unknown {
  if (!(error instanceof AdministrationError)) return error;
  const { cause, message } = error;
  const { error_description: description, error: code, message: text } = (cause ?? {}) as ProviderFailure;
  const reason = description ?? code ?? text;
  const [exitCode, hint] = adviceOn(error, name);
  // The reason is text of the provider: limit its length and remove line breaks.
  const full =
    reason === undefined ? message : `${message}: ${plainLine(String(reason).slice(0, MAX_REASON_LENGTH))}`;
  return new CommandError(full, { exitCode, hint, cause });
}

/** An error response of the provider (RFC 6749 §5.2), or another error. */
interface ProviderFailure {
  readonly error_description?: string;
  readonly error?: string;
  readonly message?: string;
}

function adviceOn({ code, cause }: AdministrationError, name?: string): [ExitCode, string] {
  if (code === 'bearer_invalid') return [3, 'run the command again, and allow the login'];
  if (cause instanceof RedemptionError && cause.code === 'tls_untrusted') {
    return name === undefined
      ? [3, 'set --issuer-ca to the file with the CA of the OIDC provider']
      : [3, `log in with the CA of the OIDC provider: \`linkgrant login ${name} --issuer-ca FILE\``];
  }
  return [4, 'run the command again when the OIDC provider can be reached'];
}
