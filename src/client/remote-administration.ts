import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import {
  ADMINISTRATION_ERROR_CODES,
  AdministrationError,
  type AdministrationErrorCode,
} from '../domain/administration-error.js';
import { isUuid } from '../domain/names.js';
import { RedemptionError } from '../domain/redemption-error.js';
import type { Administration } from '../redemption/administration/administration.js';
import type { PageRequest } from '../redemption/ports/page.js';
import { type AdminConnectionOptions, type AdminServer, adminFetch } from './admin-fetch.js';
import type { components, paths } from './generated/admin-api.js';

type Problem = Partial<components['schemas']['AdminProblem']>;

/** The members without undefined ones, which do not exist on the wire. */
type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/**
 * The administration of a store behind a service's admin API. Each creation has its own `Idempotency-Key`, so that a
 * lost response creates nothing twice.
 */
export function remoteAdministration(server: AdminServer, options: AdminConnectionOptions): Administration {
  const client = createClient<paths>({ baseUrl: server.url.origin, fetch: adminFetch(server, options) });
  const once = () => ({ 'Idempotency-Key': randomUUID() });
  const findByUid = (uid: string) => told(client.GET('/api/v1/grants/{uid}', { params: { path: { uid } } }));
  const findByName = async (namespace: string, name: string) => {
    const query = { namespace, name };
    const page = await told(client.GET('/api/v1/grants', { params: { query } }));
    return page.items[0];
  };
  return {
    describeService: () => told(client.GET('/api/v1/service')),

    createGrant: (order) =>
      told(
        client.POST('/api/v1/grants', {
          params: { header: once() },
          body: given(order) as typeof order & CreateGrantRequest,
        }),
      ),
    async findGrant(namespace, nameOrUid) {
      const found =
        (isUuid(nameOrUid) ? await findByUid(nameOrUid).catch(none('no_such_grant')) : undefined) ??
        // A text that is no valid name cannot be found.
        (await findByName(namespace, nameOrUid).catch(none('request_invalid')));
      if (found) return found;
      throw new AdministrationError(
        'no_such_grant',
        `there is no grant "${nameOrUid}" in namespace "${namespace}"`,
      );
    },
    showGrant: findByUid,
    listGrants: ({ state, namespace, name, ...page }) =>
      told(
        client.GET('/api/v1/grants', {
          params: {
            query: given({ ...pageOf(page), namespace, name, state: state as GrantState | undefined }),
          },
        }),
      ),
    updateGrant: (uid, change) =>
      told(client.PATCH('/api/v1/grants/{uid}', { params: { path: { uid } }, body: given(change) })),
    revokeGrant: (uid, cascade) =>
      told(client.POST('/api/v1/grants/{uid}/revoke', { params: { path: { uid } }, body: { cascade } })),
    async deleteGrant(uid) {
      const { error, response } = await client.DELETE('/api/v1/grants/{uid}', { params: { path: { uid } } });
      if (!response.ok) throw refusalOf(error, response);
    },

    issueToken: (order) =>
      told(
        client.POST('/api/v1/tokens', {
          params: { header: once() },
          body: { ...given(order), grantUid: order.grantUid },
        }),
      ),
    listTokens: ({ state, namespace, grantUid, ...page }) =>
      told(
        client.GET('/api/v1/tokens', {
          params: {
            query: given({ ...pageOf(page), namespace, grantUid, state: state as GrantState | undefined }),
          },
        }),
      ),
    revokeToken: (grantUid, id) =>
      told(client.POST('/api/v1/tokens/{id}/revoke', { params: { path: { id } }, body: { grantUid } })),

    listRedemptions: ({ namespace, grantUid, subject, since, ...page }) =>
      told(
        client.GET('/api/v1/redemptions', {
          params: { query: given({ ...pageOf(page), namespace, grantUid, subject, since: momentOf(since) }) },
        }),
      ),
    listEvents: ({ grantUid, subject, since, ...page }) =>
      told(
        client.GET('/api/v1/events', {
          params: { query: given({ ...pageOf(page), grantUid, subject, since: momentOf(since) }) },
        }),
      ),
    showRedemption: (id) => told(client.GET('/api/v1/redemptions/{id}', { params: { path: { id } } })),
    revokeRedemption: (id, source) =>
      told(
        client.POST('/api/v1/redemptions/{id}/revoke', { params: { path: { id } }, body: given({ source }) }),
      ),
  };
}

type CreateGrantRequest = components['schemas']['GrantOrder'];
type GrantState = components['schemas']['GrantState'];

function given<T extends object>(members: T): Given<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Given<T>;
}

function pageOf({ limit, after }: PageRequest) {
  // The server returns no larger page.
  return { limit: Math.min(limit, 500), cursor: after };
}

function momentOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** Maps a refusal with this code to undefined. */
function none(code: AdministrationErrorCode): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof AdministrationError && error.code === code) return undefined;
    throw error;
  };
}

/** The data of a response. Rejects with AdministrationError for a refusal. */
async function told<T>(
  asked: Promise<{ readonly data?: T; readonly error?: unknown; readonly response: Response }>,
): Promise<T> {
  const { data, error, response } = await asked.catch((failure: unknown) => {
    if (!(failure instanceof SyntaxError)) throw failure;
    throw new RedemptionError('answer_invalid', 'The answer of the admin API is no JSON.', {
      cause: failure,
    });
  });
  if (data !== undefined && response.ok) return data;
  throw refusalOf(error, response);
}

function refusalOf(error: unknown, response: Response): Error {
  const { code, detail, hint, choices } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as Problem;
  if (isCode(code) && typeof detail === 'string')
    return new AdministrationError(code, detail, { hint, choices });
  return new RedemptionError(
    'answer_invalid',
    `What answers there is no admin API, or one of another version (HTTP ${response.status}).`,
  );
}

function isCode(code: unknown): code is AdministrationErrorCode {
  return ADMINISTRATION_ERROR_CODES.some((known) => known === code);
}
