import { randomUUID } from 'node:crypto';
import createClient from 'openapi-fetch';
import {
  ADMINISTRATION_ERROR_CODES,
  AdministrationError,
  type AdministrationErrorCode,
} from '../domain/administration-error.js';
import type { components, paths } from '../domain/generated/admin-api.js';
import { formatLabelSelector, type LabelSelector } from '../domain/label-selector.js';
import { isUuid } from '../domain/names.js';
import { RedemptionError } from '../domain/redemption-error.js';
import type { Administration, OnceOnly } from '../redemption/administration/administration.js';
import type { PageRequest } from '../redemption/ports/page.js';
import { type AdminServer, adminFetch } from './admin-fetch.js';
import type { ConnectionOptions } from './connection.js';
import { rewrittenToken } from './issued-token.js';

type AdminProblemBody = Partial<components['schemas']['AdminProblem']>;

/** T with optional members that are absent instead of `undefined`, as the generated types require. */
type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/**
 * The administration of a store behind a service's admin API. Each creation has an `Idempotency-Key`, that of the caller or a
 * new one, so that a lost response creates nothing twice.
 */
export function remoteAdministration(server: AdminServer, options: ConnectionOptions): Administration {
  const client = createClient<paths, 'application/json'>({
    baseUrl: server.url.origin,
    fetch: adminFetch(server, options),
  });
  const idempotencyHeader = (once?: OnceOnly) => ({ 'Idempotency-Key': once?.key ?? randomUUID() });
  const findByUid = (uid: string) =>
    dataOf(client.GET('/api/v1/grants/{uid}', { params: { path: { uid } } }));
  const findByName = async (namespace: string, name: string) => {
    const query = { namespace, name };
    const page = await dataOf(client.GET('/api/v1/grants', { params: { query } }));
    return page.items[0];
  };
  return {
    async describeService() {
      const service = await dataOf(client.GET('/api/v1/service'));
      if (typeof service.namespace === 'string') return service;
      throw new RedemptionError('answer_invalid', 'The server is no admin API, or one of another version.');
    },

    createGrant: (order, once) =>
      dataOf(
        client.POST('/api/v1/grants', {
          params: { header: idempotencyHeader(once) },
          body: withoutUndefined(order) as typeof order & CreateGrantBody,
        }),
      ),
    async findGrant(namespace, nameOrUid) {
      const found =
        (isUuid(nameOrUid) ? await findByUid(nameOrUid).catch(undefinedFor('no_such_grant')) : undefined) ??
        // No grant has a name that the service refuses as invalid.
        (await findByName(namespace, nameOrUid).catch(undefinedFor('request_invalid')));
      if (found) return found;
      throw new AdministrationError(
        'no_such_grant',
        `there is no grant "${nameOrUid}" in namespace "${namespace}"`,
      );
    },
    showGrant: findByUid,
    // The service refuses a text that is not a state.
    listGrants: (filter) =>
      dataOf(
        client.GET('/api/v1/grants', {
          params: { query: queryOf(filter as GrantStateFilter<typeof filter>) },
        }),
      ),
    updateGrant: (uid, change) =>
      dataOf(
        client.PATCH('/api/v1/grants/{uid}', { params: { path: { uid } }, body: withoutUndefined(change) }),
      ),
    revokeGrant: (uid, cascade) =>
      dataOf(client.POST('/api/v1/grants/{uid}/revoke', { params: { path: { uid } }, body: { cascade } })),
    async deleteGrant(uid) {
      const { error, response } = await client.DELETE('/api/v1/grants/{uid}', { params: { path: { uid } } });
      if (!response.ok) throw adminError(error, response);
    },

    async issueToken(order, once) {
      const issued = await dataOf(
        client.POST('/api/v1/tokens', {
          params: { header: idempotencyHeader(once) },
          body: { ...withoutUndefined(order), grantUid: order.grantUid },
        }),
      );
      return rewrittenToken(issued);
    },
    listTokens: (filter) =>
      dataOf(
        client.GET('/api/v1/tokens', {
          params: { query: queryOf(filter as GrantStateFilter<typeof filter>) },
        }),
      ),
    revokeToken: (grantUid, id) =>
      dataOf(client.POST('/api/v1/tokens/{id}/revoke', { params: { path: { id } }, body: { grantUid } })),

    listRedemptions: (filter) =>
      dataOf(client.GET('/api/v1/redemptions', { params: { query: queryOf(filter) } })),
    listEvents: (filter) => dataOf(client.GET('/api/v1/events', { params: { query: queryOf(filter) } })),
    showRedemption: (id) => dataOf(client.GET('/api/v1/redemptions/{id}', { params: { path: { id } } })),
    updateRedemption: (id, change) =>
      dataOf(
        client.PATCH('/api/v1/redemptions/{id}', {
          params: { path: { id } },
          body: withoutUndefined(change),
        }),
      ),
    issueLink: ({ grantUid, request, ...order }) =>
      dataOf(client.POST('/api/v1/links', { body: { ...withoutUndefined(order), grantUid, request } })),
    listLinks: (filter) => dataOf(client.GET('/api/v1/links', { params: { query: queryOf(filter) } })),
    listIssuers: (filter) => dataOf(client.GET('/api/v1/issuers', { params: { query: queryOf(filter) } })),
    readOverview: () => dataOf(client.GET('/api/v1/overview')),
    checkHealth: () => dataOf(client.GET('/api/v1/health')),
    readChanges: (since) =>
      dataOf(client.GET('/api/v1/changes', { params: { query: withoutUndefined({ since }) } })),
    startLedgerVerification: () => dataOf(client.POST('/api/v1/ledger-verifications')),
    showLedgerVerification: (id) =>
      dataOf(client.GET('/api/v1/ledger-verifications/{id}', { params: { path: { id } } })),
    revokeRedemption: (id, source, note) =>
      dataOf(
        client.POST('/api/v1/redemptions/{id}/revoke', {
          params: { path: { id } },
          body: withoutUndefined({ source, note }),
        }),
      ),
  };
}

type CreateGrantBody = components['schemas']['CreateGrantRequest'];
type GrantStateFilter<Filter> = Filter & { readonly state?: components['schemas']['GrantState'] };

function withoutUndefined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
}

interface ListFilter extends PageRequest {
  readonly labels?: LabelSelector | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly expiresBefore?: number | undefined;
  readonly notRenewing?: boolean | undefined;
  readonly renewalRefused?: boolean | undefined;
}

/** Returns the page and the filter of a listing as the query of the admin API. */
function queryOf<T extends ListFilter>(list: T) {
  const { limit, after, labels, since, until, expiresBefore, notRenewing, renewalRefused, ...filter } = list;
  return withoutUndefined({
    ...filter,
    // The server returns no larger page.
    limit: Math.min(limit, 500),
    cursor: after,
    label: labels && formatLabelSelector(labels),
    since: timeOf(since),
    until: timeOf(until),
    expiresBefore: timeOf(expiresBefore),
    notRenewing: notRenewing === undefined ? undefined : (`${notRenewing}` as const),
    renewalRefused: renewalRefused ? ('true' as const) : undefined,
  });
}

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** Returns a handler of rejections: returns undefined for a refusal with this code, and rethrows other errors. */
function undefinedFor(code: AdministrationErrorCode): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof AdministrationError && error.code === code) return undefined;
    throw error;
  };
}

/** Returns the data of a response. Rejects with AdministrationError for a refusal. */
async function dataOf<T>(
  exchange: Promise<{ readonly data?: T; readonly error?: unknown; readonly response: Response }>,
): Promise<T> {
  const { data, error, response } = await exchange.catch((failure: unknown) => {
    if (!(failure instanceof SyntaxError)) throw failure;
    throw new RedemptionError('answer_invalid', 'The response of the admin API is no JSON.', {
      cause: failure,
    });
  });
  if (data !== undefined && response.ok) return data;
  throw adminError(error, response);
}

function adminError(error: unknown, response: Response): Error {
  const { code, detail, hint, choices, member } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as AdminProblemBody;
  if (isCode(code) && typeof detail === 'string')
    return new AdministrationError(code, detail, { hint, choices, member });
  return new RedemptionError(
    'answer_invalid',
    `The server is no admin API, or one of another version (HTTP ${response.status}).`,
  );
}

function isCode(code: unknown): code is AdministrationErrorCode {
  return ADMINISTRATION_ERROR_CODES.some((one) => one === code);
}
