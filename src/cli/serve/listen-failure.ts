import type { Settings } from '../../config/setting-schemas.js';
import { CommandError } from '../terminal/command-error.js';

// Programs that use the port by default on many hosts.
const USUAL_OWNERS: Readonly<Record<number, string>> = { 9090: 'Cockpit or Prometheus' };

/** Explains a failure to listen with the flag of the address; returns any other error unchanged. */
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
  const isOf = (listens: Settings['listen'] | undefined) =>
    listens !== undefined && (hostname === undefined ? listens.port === port : listens.host === host);
  const flags = [
    ['--listen', listen],
    ['--ops-listen', opsListen],
    ['--admin-listen', adminListen],
  ] as const;
  const [flag] = flags.find(([, listens]) => isOf(listens)) ?? flags[0];
  const owner = port === undefined ? undefined : USUAL_OWNERS[port];
  const causes: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use already${owner === undefined ? '' : ` (on many hosts by ${owner})`}`,
    EACCES: `port ${port} may not be used by this user`,
    EADDRNOTAVAIL: `this machine has no address ${host}`,
  };
  const cause = causes[code] ?? `${host || `port ${port}`} cannot be listened on (${code})`;
  return new CommandError(cause, {
    exitCode: 1,
    hint: `choose another with ${flag} HOST:PORT`,
    cause: error,
  });
}
