import type { Settings } from '../../config/setting-schemas.js';
import { CommandError } from '../terminal/command-error.js';

// Programs that use the port by default.
const DEFAULT_USERS: Readonly<Record<number, string>> = { 9090: 'Cockpit or Prometheus' };

/** Returns a CommandError for a failure to listen, whose hint names the flag of the address; returns other errors unchanged. */
export function listenFailure(error: unknown, { listen, opsListen, adminListen }: Settings): unknown {
  const {
    code = '',
    syscall,
    address,
    hostname,
    port,
  } = error as NodeJS.ErrnoException & {
    address?: string;
    hostname?: string;
    port?: number;
  };
  if (syscall !== 'listen' && syscall !== 'bind' && syscall !== 'getaddrinfo') return error;
  const host = hostname ?? address ?? '';
  const matches = (listens: Settings['listen'] | undefined) =>
    listens !== undefined && (hostname === undefined ? listens.port === port : listens.host === host);
  const flags = [
    ['--listen', listen],
    ['--ops-listen', opsListen],
    ['--admin-listen', adminListen],
  ] as const;
  const [flag] = flags.find(([, listens]) => matches(listens)) ?? flags[0];
  const program = port === undefined ? undefined : DEFAULT_USERS[port];
  const causes: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use already${program === undefined ? '' : ` (on many hosts by ${program})`}`,
    EACCES: `this user has no permission to use port ${port}`,
    EADDRNOTAVAIL: `this machine has no address ${host}`,
  };
  const cause = causes[code] ?? `cannot listen on ${host || `port ${port}`} (${code})`;
  return new CommandError(cause, {
    exitCode: 1,
    hint: `choose another address with ${flag} HOST:PORT`,
    cause: error,
  });
}
