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

const PATIENCE_MS = 2_000;
// Responses of linkgrant to a wrong code. A connection failure means that another program uses the port.
const NOT_OURS = new Set([
  'connection_refused',
  'connection_timeout',
  'not_https',
  'tls_untrusted',
  'service_unavailable',
  'redirect',
  'answer_invalid',
]);

/** Checks that each port of the service is free or used by the service. */
export async function portChecks(
  settings: Settings,
  probe: AccessToken | undefined,
  { clock }: LinkDialOptions,
): Promise<Check[]> {
  const { listen, opsListen } = settings;
  const checks = [await portCheck('port', listen, settings, () => answersAsOurs(listen, probe, clock))];
  if (opsListen) {
    checks.push(await portCheck('operations port', opsListen, settings, () => answersHealth(opsListen)));
  }
  return checks;
}

async function portCheck(
  name: string,
  address: ListenAddress,
  settings: Settings,
  isOurs: () => Promise<boolean>,
): Promise<Check> {
  const { port } = address;
  if (port === 0) return ok(name, 'any free one');
  const error = await listenError(address);
  if (error === undefined) return ok(name, `${port} is free`);
  if (error.code === 'EADDRINUSE' && (await isOurs())) return ok(name, `${port} is the service's own`);
  const { message, hint = 'choose another' } = describeFailure(listenFailure(error, settings));
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

async function answersAsOurs(
  { host, port }: ListenAddress,
  probe: AccessToken | undefined,
  clock: () => number,
): Promise<boolean> {
  if (!probe) return false;
  try {
    const connectTo = [{ toHost: reachableHost(host), toPort: port }];
    await checkToken(probe, { clock, timeoutMs: PATIENCE_MS, connectTo });
    return true;
  } catch (error) {
    return error instanceof RedemptionError && !NOT_OURS.has(error.code);
  }
}

async function answersHealth({ host, port }: ListenAddress): Promise<boolean> {
  try {
    const url = `http://${formatHostPort({ host: reachableHost(host), port })}/metrics`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok && (await answer.text()).includes('linkgrant_');
  } catch {
    return false;
  }
}
