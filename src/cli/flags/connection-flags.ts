import type { ServiceConnectionOptions } from '../../compose/token-redemption.js';
import { type CommandContext, commandContext } from '../../config/command-context.js';
import { isHost } from '../../config/host-port.js';
import { parseDuration } from '../../domain/duration.js';
import { invalidValue } from '../terminal/command-error.js';

/** The flags of commands that connect to services or routers. */
export interface ConnectionFlags {
  readonly timeout?: string;
  readonly proxy?: string;
  readonly connectTo?: readonly string[];
}

/** How a command connects to services and routers, and its clock and checkpoint. */
export type CommandConnectionOptions = ServiceConnectionOptions & Pick<CommandContext, 'checkpoint'>;

const MIN_TIMEOUT_MS = 100;
const CONNECT_TO = /^(\[[^\]]*\]|[^:]*):(\d*):(\[[^\]]*\]|[^:]*):(\d*)$/;

function parseConnectTo(value: string) {
  const parts = CONNECT_TO.exec(value)?.slice(1);
  const [host, port, toHost, toPort] = (parts ?? []).map((part) => part.replace(/^\[|\]$/g, '') || undefined);
  const hostsAreValid = [host, toHost].every((name) => name === undefined || isHost(name));
  const portsAreValid = [port, toPort].every(
    (text) => text === undefined || (Number(text) >= 1 && Number(text) <= 65_535),
  );
  if (!parts || !hostsAreValid || !portsAreValid) {
    throw invalidValue(
      '--connect-to',
      value,
      'use HOST:PORT:ADDR:PORT, such as grants.example.com:9090:192.0.2.7:9090, or ::192.0.2.7: for every host, with its own port',
    );
  }
  const portOf = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  return { host, port: portOf(port), toHost, toPort: portOf(toPort) };
}

/**
 * Returns the connection options of the flags. Without `--proxy` they use HTTPS_PROXY, unless NO_PROXY lists the host.
 * Throws a CommandError for an invalid flag.
 */
export function connectionOptions(flags: ConnectionFlags): CommandConnectionOptions {
  const { env, clock, checkpoint } = commandContext();
  const timeoutMs = flags.timeout === undefined ? undefined : parseDuration(flags.timeout);
  if (flags.timeout !== undefined && (timeoutMs === undefined || timeoutMs < MIN_TIMEOUT_MS)) {
    throw invalidValue('--timeout', flags.timeout, 'use a duration such as 10s, at least 100ms');
  }
  return {
    clock,
    checkpoint,
    timeoutMs,
    proxy: flags.proxy ?? (env.HTTPS_PROXY || env.https_proxy || undefined),
    noProxy: flags.proxy === undefined ? env.NO_PROXY || env.no_proxy : undefined,
    connectTo: flags.connectTo?.map(parseConnectTo),
  };
}
