import { request as requestHttp } from 'node:http';
import type { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { type ListenAddress, reachableHost } from '../../config/host-port.js';
import { configurationFrom } from '../session/configuration.js';
import { CommandError, usageError } from '../terminal/command-error.js';
import { writeOut } from '../terminal/write-out.js';

const TIMEOUT_MS = 5_000;

/** The HTTP response of a port of a service. */
export interface PortResponse {
  readonly status: number;
  readonly body: string;
}

/** `health`: prints `ok` if the service on this host answers and, with `ready`, all its parts are ready. Else rejects. */
export async function healthCommand(flags: {
  readonly ready?: boolean;
  readonly [flag: string]: unknown;
}): Promise<void> {
  const { ready = false, ...settingFlags } = flags;
  const { opsListen } = configurationFrom(settingFlags).settings;
  if (!opsListen) {
    throw usageError(
      'health needs --ops-listen, which is off',
      'set --ops-listen of the service to an address such as 127.0.0.1:9091',
    );
  }
  const { status, body } = await queryHealth(opsListen, ready ? '/readyz' : '/healthz');
  if (status !== 200) {
    throw new CommandError(
      `the service is not ${ready ? 'ready' : 'healthy'}: ${unreadyReason(body) || `HTTP ${status}`}`,
      { exitCode: 1, hint: 'read its log' },
    );
  }
  await writeOut('ok\n');
}

async function queryHealth(opsListen: ListenAddress, path: string): Promise<PortResponse> {
  try {
    return await getFromPort(opsListen, path, TIMEOUT_MS);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ABORT_ERR' ? `no response within ${TIMEOUT_MS / 1_000} seconds` : (code ?? message);
    throw new CommandError(
      `no service answers at ${reachableHost(opsListen.host)} port ${opsListen.port} (${reason})`,
      { exitCode: 1, hint: 'start the service, or set --ops-listen to its address', cause: error },
    );
  }
}

/**
 * Sends a GET request to a port of a service on this host. With the `request` of `node:https` it uses TLS and does not verify the
 * certificate: the request contains no secret.
 */
export function getFromPort(
  { host, port }: ListenAddress,
  path: string,
  timeoutMs: number,
  request: typeof requestHttps = requestHttp,
): Promise<PortResponse> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const options = {
      host: reachableHost(host),
      port,
      path,
      agent: false,
      signal,
      rejectUnauthorized: false,
    };
    // fetch refuses some ports, such as 10080.
    const outgoing = request(options, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}

function unreadyReason(body: string): string {
  try {
    const { parts } = JSON.parse(body) as { parts: Record<string, { ready: boolean; reason?: string }> };
    return Object.entries(parts)
      .filter(([, { ready }]) => !ready)
      .map(([name, { reason }]) => `${name} (${reason ?? 'no reason'})`)
      .join(', ');
  } catch {
    return '';
  }
}
