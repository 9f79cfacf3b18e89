import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { commandContext } from '../../config/command-context.js';
import { isLoginName } from '../../config/setting-schemas.js';
import { namesIn } from '../../files/directory-names.js';
import { refuseForeignDirectory } from '../../files/foreign-directory.js';
import { makePrivateDirectory, writePrivateFile } from '../../files/private-file.js';
import { homeDirectory } from '../../files/system-user.js';
import { configurationFrom } from '../session/configuration.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { readPrivateText } from '../terminal/private-text.js';

const SUFFIX = '.json';
const LOG_IN = 'log in with `linkgrant login URL`';

const LOGIN = z.object({
  server: z.url(),
  /** Absolute paths of PEM files. */
  serverCa: z.string().optional(),
  issuerCa: z.string().optional(),
  issuer: z.string(),
  clientId: z.string(),
  scopes: z.array(z.string()),
  /** Name of the user, for display. */
  user: z.string(),
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  /** Milliseconds since the epoch; absent if the provider does not state the lifetime. */
  expiresAt: z.number().optional(),
});

/** A login of the user at the OIDC provider of a service, with its tokens. */
export type Login = z.infer<typeof LOGIN>;

/** Returns the directory of the user's logins, below the XDG configuration home. Each login is a file (0600). */
function loginDirectory(): string {
  const { env } = commandContext();
  const home = env.XDG_CONFIG_HOME || join(env.HOME || homeDirectory(), '.config');
  const directory = join(home, 'linkgrant', 'logins');
  refuseForeignDirectory(directory);
  return directory;
}

function fileOf(name: string): string {
  return join(loginDirectory(), `${name}${SUFFIX}`);
}

/** Runs an operation under the lock of the user's logins. */
export async function withLoginLock<T>(operation: () => Promise<T>): Promise<T> {
  // Loaded only here, because most commands with a login need no lock.
  const { directoryLock } = await import('../../compose/oidc-login.js');
  return directoryLock(loginDirectory())(operation);
}

/** Returns the names of the user's logins, sorted. */
export function loginNames(): string[] {
  const files = namesIn(loginDirectory()).filter((file) => file.endsWith(SUFFIX));
  return files.map((file) => file.slice(0, -SUFFIX.length)).filter(isLoginName);
}

/** Returns a login; undefined if there is none of that name. Throws a CommandError if other users can read its file. */
export function findLogin(name: string): Login | undefined {
  if (!isLoginName(name) || !existsSync(fileOf(name))) return undefined;
  const file = fileOf(name);
  try {
    return LOGIN.parse(JSON.parse(readPrivateText(file)));
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
    throw new CommandError(`${file} is not a login of this version`, {
      exitCode: 2,
      hint: 'delete the file and log in again',
      cause: error,
    });
  }
}

/** Returns a login. Throws a CommandError if there is none of that name. */
export function requireLogin(name: string): Login {
  const login = findLogin(name);
  if (login) return login;
  const names = loginNames();
  const hint = names.length > 0 ? `use one of ${names.join(', ')}, or ${LOG_IN}` : LOG_IN;
  throw usageError(`there is no login "${name}"`, hint);
}

/** Writes a login atomically, with mode 0600. */
export function writeLogin(name: string, login: Login): void {
  makePrivateDirectory(loginDirectory());
  writePrivateFile(fileOf(name), `${JSON.stringify(login, null, 2)}\n`);
}

/** Deletes a login. */
export function deleteLogin(name: string): void {
  rmSync(fileOf(name), { force: true });
}

/**
 * Returns the name of the login that a command uses: its argument, else the setting `server`, else the only login. Throws a
 * CommandError without such a name, or if there is no login of that name.
 */
export function selectLogin(target: string | undefined, flags: Readonly<Record<string, unknown>>): string {
  const { server } = configurationFrom(flags).settings;
  const names = loginNames();
  const [first] = names;
  const only = server === undefined && names.length === 1 ? first : undefined;
  const name = target ?? (typeof server === 'string' ? server : only);
  if (name !== undefined) {
    requireLogin(name);
    return name;
  }
  const hint = first === undefined ? LOG_IN : `name one of ${names.join(', ')}`;
  throw usageError('the command needs the name of a login', hint);
}
