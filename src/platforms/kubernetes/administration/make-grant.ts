import { randomUUID } from 'node:crypto';
import { grantState } from '../../../domain/access-grant.js';
import { AdministrationError } from '../../../domain/administration-error.js';
import { GRANT_REQUEST, MANAGED_BY } from '../../../domain/labels.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { shell } from '../../../domain/shell-words.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import {
  type AccessGrantResource,
  newAccessGrant,
  readAccessGrant,
  type WantedGrant,
} from '../grants/access-grant-resource.js';
import { endCondition } from '../grants/conditions.js';
import { awaitReady, hasTokenFields, type Patience, type ReadyGrant } from './await-ready.js';
import { readServiceState } from './service-lease.js';
import { toUserError } from './user-errors.js';

// How long to repeat the creation if its response was lost.
const RETRY_TIMEOUT_MS = 10_000;
const RETRY_MS = 300;
const NEVER_ABORTED = new AbortController().signal;

interface Dependencies {
  readonly client: KubernetesClient;
  readonly serviceNamespace: string;
  readonly now: () => number;
  readonly patience: Patience;
  /** Id of a creation that the client may repeat. */
  readonly request: string | undefined;
}

/**
 * Creates an AccessGrant and returns it when it is Ready. Deletes it again if it does not become Ready, or if the command
 * must stop. Returns the existing one if an earlier call had the same `request`, also if that grant has ended. `code` is
 * undefined unless a user supplied it. Rejects with AdministrationError or RedemptionError.
 */
export async function makeGrant(
  wanted: WantedGrant,
  code: string | undefined,
  { client, serviceNamespace, now, patience, request }: Dependencies,
): Promise<ReadyGrant> {
  const { namespace, name } = wanted;
  const key = { namespace, name };
  const { state: service } = await readServiceState(client, serviceNamespace, now());
  const stop = new AbortController();
  void patience.shutdownSignal().then(() => stop.abort());
  const { signal } = stop;
  const waitUntilReady = (uid: string) => awaitReady(key, uid, { client, service, patience, signal });
  const present =
    request === undefined ? undefined : await client.find<AccessGrantResource>(ACCESS_GRANTS, key);
  // This call did not create the grant, so it never deletes it: the grant may have links by now.
  if (present && present.metadata.annotations?.[GRANT_REQUEST] === request) {
    const state = grantState(readAccessGrant(present).grant, now());
    if (endCondition(state) === undefined) return waitUntilReady(present.metadata.uid);
    // The grant has ended, but a repeated request gets the same response.
    if (hasTokenFields(present)) return present;
    throw new AdministrationError('grant_state', `grant "${name}" was ${state} before it was Ready`);
  }
  const { uid } = (await createAccessGrant(client, wanted, code, patience, request)).metadata;
  try {
    return await waitUntilReady(uid);
  } catch (error) {
    const isLeft = await client.delete(ACCESS_GRANTS, key, { uid }).then(
      () => false,
      // A conflict means that the grant was deleted and another one has its name.
      (failure: unknown) => !isApiError(failure, 'conflict'),
    );
    throw withOutcome(toUserError(error), wanted, isLeft);
  }
}

/**
 * Checks the creation of an AccessGrant by a dry run of the API server, and returns the result. Rejects as {@link makeGrant}
 * does.
 */
export async function checkGrantCreation(
  wanted: WantedGrant,
  code: string | undefined,
  client: KubernetesClient,
): Promise<Stored<AccessGrantResource>> {
  const request = randomUUID();
  return createOrFind(client, resourceOf(wanted, code, request), request, true);
}

/** Creates the grant exactly once, even if a response is lost. */
async function createAccessGrant(
  client: KubernetesClient,
  wanted: WantedGrant,
  code: string | undefined,
  { wait, monotonicMs }: Patience,
  request: string = randomUUID(),
): Promise<Stored<AccessGrantResource>> {
  const { namespace, name } = wanted;
  const resource = resourceOf(wanted, code, request);
  const deadline = monotonicMs() + RETRY_TIMEOUT_MS;
  for (let mayExist = false; ; ) {
    try {
      return await createOrFind(client, resource, request);
    } catch (error) {
      if (!isApiError(error, 'unavailable')) throw error;
      mayExist ||= error.outcomeUnknown;
      if (!mayExist) throw error;
      if (monotonicMs() >= deadline) {
        const command = shell`linkgrant grant delete ${name} -n ${namespace}`;
        const left = `grant "${name}" may have been created; delete it with \`${command}\``;
        throw new RedemptionError(
          'cluster_unavailable',
          `The API server of the cluster: ${error.message}; ${left}`,
        );
      }
    }
    // Not aborted by a stop signal: without the uid the grant could not be rolled back.
    await wait(RETRY_MS, NEVER_ABORTED);
  }
}

/** The resource of a grant; `request` identifies its creation. */
function resourceOf(wanted: WantedGrant, code: string | undefined, request: string): AccessGrantResource {
  const own = { labels: { [MANAGED_BY]: 'linkgrant' }, annotations: { [GRANT_REQUEST]: request } };
  return newAccessGrant(wanted, code, own);
}

async function createOrFind(
  client: KubernetesClient,
  resource: AccessGrantResource,
  request: string,
  dryRun = false,
): Promise<Stored<AccessGrantResource>> {
  const { namespace, name } = resource.metadata;
  try {
    return await client.create<AccessGrantResource>(ACCESS_GRANTS, resource, { dryRun });
  } catch (error) {
    if (!isApiError(error, 'already_exists')) throw error;
    const present = await client.find<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
    // An earlier attempt created it, and its response was lost.
    if (present?.metadata.annotations?.[GRANT_REQUEST] === request) return present;
    const taken = `there is already a grant "${name}" in namespace "${namespace}"`;
    throw new AdministrationError('name_taken', `the grant was not created: ${taken}`, {
      cause: error,
      member: 'name',
    });
  }
}

/** The same error with the state of the grant in its message. */
function withOutcome(error: unknown, { namespace, name }: WantedGrant, isLeft: boolean): unknown {
  const outcome = isLeft
    ? `grant "${name}" was created but cannot be redeemed, and deleting it failed (run \`${shell`linkgrant grant delete ${name} -n ${namespace}`}\`)`
    : 'the grant was not created';
  if (error instanceof AdministrationError) {
    const { code, message, hint, cause } = error;
    return new AdministrationError(code, `${outcome}: ${message}`, { hint, cause });
  }
  if (error instanceof RedemptionError) {
    return new RedemptionError(error.code, `${outcome}: ${error.message}`, { cause: error.cause });
  }
  return error;
}
