import type { ZodType } from 'zod';
import { AdministrationError, type AdministrationErrorCode } from '../../domain/administration-error.js';
import { isUuid } from '../../domain/names.js';
import type { Administration, OnceOnly } from '../../redemption/administration/administration.js';
import type { Page } from '../../redemption/ports/page.js';
import type { Role } from './bearer.js';
import {
  CHANGES_QUERY,
  EVENT_QUERY,
  GRANT_CHANGE,
  GRANT_CREATION,
  GRANT_QUERY,
  GRANT_REVOCATION,
  ISSUER_QUERY,
  LINK_ISSUANCE,
  LINK_QUERY,
  NOTHING,
  REDEMPTION_CHANGE,
  REDEMPTION_QUERY,
  REDEMPTION_REVOCATION,
  TOKEN_ISSUANCE,
  TOKEN_QUERY,
  TOKEN_REVOCATION,
} from './request-schemas.js';

interface RouteInput<Query, Body> {
  readonly role: Role;
  /** The path parameter; empty if the path has none. */
  readonly id: string;
  readonly query: Query;
  readonly body: Body;
  /** From the Idempotency-Key, if the route supports one and it was sent. */
  readonly once: OnceOnly | undefined;
}

interface Answer {
  readonly status: 200 | 201 | 202 | 204;
  /** Absent with 204. */
  readonly body?: unknown;
  /** Path of the created resource. */
  readonly location?: string;
}

interface AdminRouteOptions<Query, Body> {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** As in openapi.yaml; in the options of {@link route}, without `/api/v1`. */
  readonly path: string;
  readonly supportsIdempotencyKey?: boolean;
  /** True if the response is a stream of changes for a client that prefers one. */
  readonly hasStream?: boolean;
  readonly query?: ZodType<Query>;
  readonly body?: ZodType<Body>;
}

/** A route of the admin API. */
export interface AdminRoute extends AdminRouteOptions<unknown, unknown> {
  readonly role: Role;
  readonly query: ZodType;
  readonly body: ZodType;
  run(input: RouteInput<never, never>, administration: Administration): Promise<Answer>;
}

function route<Query, Body>(
  options: AdminRouteOptions<Query, Body>,
  run: (input: RouteInput<Query, Body>, administration: Administration) => Promise<Answer>,
): AdminRoute {
  const role = options.method === 'get' ? 'viewer' : 'operator';
  return { query: NOTHING, body: NOTHING, ...options, path: `/api/v1${options.path}`, role, run };
}

const ok = (body: unknown): Answer => ({ status: 200, body });

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Defines a route that returns a page of a list. */
function pageRoute<Query extends PageQuery>(
  path: string,
  query: ZodType<Query>,
  list: (
    page: Omit<Query, 'cursor'> & { readonly after?: string | undefined },
    administration: Administration,
  ) => Promise<Page<unknown>>,
): AdminRoute {
  return route({ method: 'get', path, query }, async (input, administration) => {
    const { cursor, ...rest } = input.query;
    try {
      return ok(await list({ ...rest, after: cursor }, administration));
    } catch (error) {
      if (!(error instanceof RangeError) || cursor === undefined) throw error;
      throw new AdministrationError('request_invalid', 'cursor must be the `next` of an earlier page');
    }
  });
}

async function readChanges(since: string | undefined, administration: Administration): Promise<Answer> {
  try {
    return ok(await administration.readChanges(since));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new AdministrationError('request_invalid', 'since must be the `version` of an earlier response');
  }
}

/** Returns a function that accepts the id of a path. It throws an AdministrationError with this code if the id is not a UUID. */
function idCheck(code: AdministrationErrorCode, what: string): (id: string) => string {
  return (id) => {
    if (isUuid(id)) return id;
    throw new AdministrationError(code, `this is not the ${what}`);
  };
}

const requireUid = idCheck('no_such_grant', 'uid of a grant');
const requireId = idCheck('no_such_redemption', 'id of a redemption');
const requireVerification = idCheck('no_such_verification', 'id of a verification');

/** Every route of the admin API. */
export const ADMIN_ROUTES: readonly AdminRoute[] = [
  route({ method: 'get', path: '/service' }, async ({ role }, administration) =>
    ok({ ...(await administration.describeService()), role }),
  ),

  pageRoute('/grants', GRANT_QUERY, ({ label: labels, ...page }, administration) =>
    administration.listGrants({ ...page, labels }),
  ),
  route(
    { method: 'post', path: '/grants', body: GRANT_CREATION, supportsIdempotencyKey: true },
    async ({ body, once }, administration) => {
      const created = await administration.createGrant(body, once);
      return { status: 201, body: created, location: `/api/v1/grants/${created.uid}` };
    },
  ),
  route({ method: 'get', path: '/grants/{uid}' }, async ({ id }, administration) =>
    ok(await administration.showGrant(requireUid(id))),
  ),
  route(
    { method: 'patch', path: '/grants/{uid}', body: GRANT_CHANGE },
    async ({ id, body }, administration) => ok(await administration.updateGrant(requireUid(id), body)),
  ),
  route({ method: 'delete', path: '/grants/{uid}' }, async ({ id }, administration) => {
    await administration.deleteGrant(requireUid(id));
    return { status: 204 };
  }),
  route(
    { method: 'post', path: '/grants/{uid}/revoke', body: GRANT_REVOCATION },
    async ({ id, body }, administration) =>
      ok(await administration.revokeGrant(requireUid(id), body.cascade)),
  ),

  pageRoute('/tokens', TOKEN_QUERY, (page, administration) => administration.listTokens(page)),
  route(
    { method: 'post', path: '/tokens', body: TOKEN_ISSUANCE, supportsIdempotencyKey: true },
    async ({ body, once }, administration) => ({
      status: 201,
      body: await administration.issueToken(body, once),
    }),
  ),
  route(
    { method: 'post', path: '/tokens/{id}/revoke', body: TOKEN_REVOCATION },
    async ({ id, body }, administration) => ok(await administration.revokeToken(body.grantUid, id)),
  ),

  pageRoute('/redemptions', REDEMPTION_QUERY, ({ label: labels, ...page }, administration) =>
    administration.listRedemptions({ ...page, labels }),
  ),
  route({ method: 'get', path: '/redemptions/{id}' }, async ({ id }, administration) =>
    ok(await administration.showRedemption(requireId(id))),
  ),
  route(
    { method: 'patch', path: '/redemptions/{id}', body: REDEMPTION_CHANGE },
    async ({ id, body }, administration) => ok(await administration.updateRedemption(requireId(id), body)),
  ),
  route(
    { method: 'post', path: '/redemptions/{id}/revoke', body: REDEMPTION_REVOCATION },
    async ({ id, body }, administration) =>
      ok(await administration.revokeRedemption(requireId(id), body.source, body.note)),
  ),

  pageRoute('/links', LINK_QUERY, ({ label: labels, ...page }, administration) =>
    administration.listLinks({ ...page, labels }),
  ),
  route({ method: 'post', path: '/links', body: LINK_ISSUANCE }, async ({ body }, administration) => {
    const issued = await administration.issueLink(body);
    return { status: 201, body: issued, location: `/api/v1/redemptions/${issued.redemptionId}` };
  }),
  pageRoute('/issuers', ISSUER_QUERY, (page, administration) => administration.listIssuers(page)),
  route({ method: 'get', path: '/overview' }, async (_input, administration) =>
    ok(await administration.readOverview()),
  ),
  route({ method: 'get', path: '/health' }, async (_input, administration) =>
    ok(await administration.checkHealth()),
  ),
  route(
    { method: 'get', path: '/changes', query: CHANGES_QUERY, hasStream: true },
    async ({ query }, administration) => readChanges(query.since, administration),
  ),

  route({ method: 'post', path: '/ledger-verifications' }, async (_input, administration) => {
    const body = await administration.startLedgerVerification();
    return { status: 202, body, location: `/api/v1/ledger-verifications/${body.id}` };
  }),
  route({ method: 'get', path: '/ledger-verifications/{id}' }, async ({ id }, administration) =>
    ok(await administration.showLedgerVerification(requireVerification(id))),
  ),

  pageRoute('/events', EVENT_QUERY, (page, administration) => administration.listEvents(page)),
];
