import type { ZodType } from 'zod';
import { AdministrationError } from '../../domain/administration-error.js';
import { isUuid } from '../../domain/names.js';
import type { Administration, OnceOnly } from '../../redemption/administration/administration.js';
import type { Page } from '../../redemption/ports/page.js';
import type { Role } from './bearer.js';
import {
  EVENT_QUERY,
  GRANT_CHANGE,
  GRANT_ORDER,
  GRANT_QUERY,
  GRANT_REVOCATION,
  NOTHING,
  REDEMPTION_QUERY,
  REDEMPTION_REVOCATION,
  TOKEN_ORDER,
  TOKEN_QUERY,
  TOKEN_REVOCATION,
} from './orders.js';

/** A request as an act takes it. */
interface Asked<Query, Body> {
  /** The variable part of the path; empty where there is none. */
  readonly id: string;
  readonly query: Query;
  readonly body: Body;
  /** From an Idempotency-Key, where the route takes one and it was sent. */
  readonly once: OnceOnly | undefined;
}

/** What an act answers. */
interface Answer {
  readonly status: 200 | 201 | 204;
  /** Absent with 204. */
  readonly body?: unknown;
  /** Path of what was made. */
  readonly location?: string;
}

/** A route of the admin API. */
export interface AdminRoute {
  readonly method: 'get' | 'post' | 'patch' | 'delete';
  /** As the OpenAPI document has it. */
  readonly path: string;
  readonly role: Role;
  /** True where an Idempotency-Key makes a creation happen once. */
  readonly takesKey: boolean;
  readonly query: ZodType;
  readonly body: ZodType;
  act(asked: Asked<never, never>, administration: Administration): Promise<Answer>;
}

function route<Query, Body>(
  of: {
    readonly method: AdminRoute['method'];
    readonly path: string;
    readonly takesKey?: boolean;
    readonly query?: ZodType<Query>;
    readonly body?: ZodType<Body>;
  },
  act: (asked: Asked<Query, Body>, administration: Administration) => Promise<Answer>,
): AdminRoute {
  return {
    ...{ method: of.method, path: `/api/v1${of.path}`, role: of.method === 'get' ? 'viewer' : 'operator' },
    ...{ takesKey: of.takesKey ?? false, query: of.query ?? NOTHING, body: of.body ?? NOTHING },
    act,
  };
}

const ok = (body: unknown): Answer => ({ status: 200, body });

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** A route that gives a page of a listing. */
function listing<Query extends PageQuery>(
  path: string,
  query: ZodType<Query>,
  list: (
    page: Omit<Query, 'cursor'> & { readonly after?: string },
    administration: Administration,
  ) => Promise<Page<unknown>>,
): AdminRoute {
  return route({ method: 'get', path, query }, async (asked, administration) => {
    const { cursor, ...rest } = asked.query;
    try {
      return ok(await list({ ...rest, ...(cursor !== undefined && { after: cursor }) }, administration));
    } catch (error) {
      if (!(error instanceof RangeError) || cursor === undefined) throw error;
      throw new AdministrationError('request_invalid', 'query.cursor: must be the next of an earlier page');
    }
  });
}

function requireUid(id: string): string {
  if (isUuid(id)) return id;
  throw new AdministrationError('no_such_grant', 'that is no uid of a grant');
}

function requireId(id: string): string {
  if (isUuid(id)) return id;
  throw new AdministrationError('no_such_redemption', 'that is no id of a redemption');
}

/** Every route of the admin API. */
export const ADMIN_ROUTES: readonly AdminRoute[] = [
  route({ method: 'get', path: '/service' }, async (_asked, administration) =>
    ok(await administration.describeService()),
  ),

  listing('/grants', GRANT_QUERY, (page, administration) => administration.listGrants(page)),
  route(
    { method: 'post', path: '/grants', body: GRANT_ORDER, takesKey: true },
    async ({ body, once }, administration) => {
      const made = await administration.createGrant(body, once);
      return { status: 201, body: made, location: `/api/v1/grants/${made.uid}` };
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

  listing('/tokens', TOKEN_QUERY, (page, administration) => administration.listTokens(page)),
  route(
    { method: 'post', path: '/tokens', body: TOKEN_ORDER, takesKey: true },
    async ({ body, once }, administration) => ({
      status: 201,
      body: await administration.issueToken(body, once),
    }),
  ),
  route(
    { method: 'post', path: '/tokens/{id}/revoke', body: TOKEN_REVOCATION },
    async ({ id, body }, administration) => ok(await administration.revokeToken(body.grantUid, id)),
  ),

  listing('/redemptions', REDEMPTION_QUERY, (page, administration) => administration.listRedemptions(page)),
  route({ method: 'get', path: '/redemptions/{id}' }, async ({ id }, administration) =>
    ok(await administration.showRedemption(requireId(id))),
  ),
  route(
    { method: 'post', path: '/redemptions/{id}/revoke', body: REDEMPTION_REVOCATION },
    async ({ id, body }, administration) =>
      ok(await administration.revokeRedemption(requireId(id), body.source)),
  ),

  listing('/events', EVENT_QUERY, (page, administration) => administration.listEvents(page)),
];
