import { once } from 'node:events';
import { createServer } from 'node:net';
import type { LinkDialOptions } from '../../compose/links.js';
import { checkToken } from '../../compose/token-redemption.js';
import type { ListenAddress } from '../../config/host-port.js';
import { reachableHost } from '../../config/host-port.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { AccessToken } from '../../domain/access-token.js';
import { formatHostPort } from '../../domain/host-port-text.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { listenFailure } from '../serve/listen-failure.js';
import { describeFailure } from '../terminal/failure.js';
import { type Check, fail, ok } from './doctor-check.js';

const PROBE_TIMEOUT_MS = 2_000;
// linkgrant never causes these errors for a wrong code, so another program uses the port.
const FOREIGN_SERVER_ERRORS = new Set([
  'connection_refused',
  'connection_timeout',
  'not_https',
  'tls_untrusted',
  'service_unavailable',
  'redirect',
  'answer_invalid',
]);

/** Checks that each port of the service is free or used by the service. */
export async function checkPorts(
  settings: Settings,
  probe: AccessToken | undefined,
  { clock }: LinkDialOptions,
): Promise<Check[]> {
  const { listen, opsListen } = settings;
  const checks = [
    await checkPort('port', listen, settings, () => isRedemptionListener(listen, probe, clock)),
  ];
  if (opsListen) {
    checks.push(
      await checkPort('operations port', opsListen, settings, () => isOperationsListener(opsListen)),
    );
  }
  return checks;
}

async function checkPort(
  name: string,
  address: ListenAddress,
  settings: Settings,
  isLinkgrant: () => Promise<boolean>,
): Promise<Check> {
  const { port } = address;
  if (port === 0) return ok(name, 'any free port');
  const error = await listenError(address);
  if (error === undefined) return ok(name, `${port} is free`);
  if (error.code === 'EADDRINUSE' && (await isLinkgrant()))
    return ok(name, `${port} is in use by the running service`);
  const { message, hint = 'choose another port' } = describeFailure(listenFailure(error, settings));
  return fail(name, message, hint);
}

async function listenError({ host, port }: ListenAddress): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  try {
    server.listen({ port, ...(host !== '' && { host }) });
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

async function isRedemptionListener(
  { host, port }: ListenAddress,
  probe: AccessToken | undefined,
  clock: () => number,
): Promise<boolean> {
  if (!probe) return false;
  try {
    const connectTo = [{ toHost: reachableHost(host), toPort: port }];
    await checkToken(probe, { clock, timeoutMs: PROBE_TIMEOUT_MS, connectTo });
    return true;
  } catch (error) {
    return error instanceof RedemptionError && !FOREIGN_SERVER_ERRORS.has(error.code);
  }
}

async function isOperationsListener({ host, port }: ListenAddress): Promise<boolean> {
  try {
    const url = `http://${formatHostPort({ host: reachableHost(host), port })}/metrics`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return answer.ok && (await answer.text()).includes('linkgrant_');
  } catch {
    return false;
  }
}
