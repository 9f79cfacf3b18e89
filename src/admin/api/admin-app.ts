import { randomUUID } from 'node:crypto';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { ZodType } from 'zod';
import { AdministrationError } from '../../domain/administration-error.js';
import { normalizeAddress } from '../../domain/peer-address.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { REQUEST_ID_HEADER } from '../../domain/request-id.js';
import type { Administration, OnceOnly } from '../../redemption/administration/administration.js';
import type { Clock } from '../../redemption/clock.js';
import { type Authenticate, type Caller, requireRole } from './bearer.js';
import { adminProblem } from './problem.js';
import { ADMIN_ROUTES, type AdminRoute } from './routes.js';
import { sendWhole } from './send-whole.js';

const MOST_BYTES = 64 * 1024;
const KEY = /^[\x21-\x7e]{1,255}$/;
const MOST_ISSUES = 5;

/** What the admin API works with. */
export interface AdminAppDependencies {
  readonly administration: Administration;
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The admin API. Whoever asks is known before anything else is looked at; a `viewer` reads, an `operator` does the rest.
 * Answers are JSON, refusals RFC 9457 problems, and nobody keeps a copy of either.
 */
export function createAdminApp(deps: AdminAppDependencies): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(helmet());
  app.use(logRequests(deps));
  app.use(async (request, response, next) => {
    callers(response).caller = await deps.authenticate(request.headers.authorization);
    next();
  });
  for (const path of new Set(ADMIN_ROUTES.map((route) => route.path))) {
    const routes = ADMIN_ROUTES.filter((route) => route.path === path);
    const pattern = path.replace(/\{(\w+)\}/, ':$1');
    for (const route of routes) app[route.method](pattern, ...handlersOf(route, deps));
    const allowed = routes.map(({ method }) => method.toUpperCase()).join(', ');
    app.all(pattern, (_request, response) => {
      response.setHeader('allow', allowed);
      throw new AdministrationError('method_not_allowed', `this route takes ${allowed}`);
    });
  }
  app.use(() => {
    throw new AdministrationError('no_such_route', 'there is no such route; openapi.yaml lists them');
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) =>
    sendProblem(response, error),
  );
  return app;
}

interface Locals {
  caller?: Caller;
  refusal?: AdministrationError;
}

function callers(response: Response): Locals {
  return response.locals as Locals;
}

function handlersOf(route: AdminRoute, { administration }: AdminAppDependencies): express.RequestHandler[] {
  const isAllowed: express.RequestHandler = (_request, response, next) => {
    const { caller } = callers(response);
    if (!caller) throw new AdministrationError('bearer_missing', 'the request has no bearer token');
    requireRole(caller, route.role);
    next();
  };
  const act: express.RequestHandler = async (request, response) => {
    const { caller } = callers(response);
    const [id = ''] = Object.values(request.params).map(String);
    const asked = {
      id,
      query: read(route.query, request.query, 'query'),
      body: read(route.body, request.body ?? {}, 'body'),
      once: route.takesKey && caller ? onceOf(request, caller) : undefined,
    };
    const { status, body, location } = await route.act(asked as never, administration);
    if (location !== undefined) response.setHeader('location', location);
    sendWhole(response, status, 'application/json', body);
  };
  const takesBody = route.method === 'post' || route.method === 'patch';
  return takesBody ? [isAllowed, requireJson, readJson, act] : [isAllowed, act];
}

const readJson = express.json({ limit: MOST_BYTES, inflate: false, type: () => true });

/** A body that is there has to be JSON; none at all counts as an empty object. */
const requireJson: express.RequestHandler = (request, _response, next) => {
  const isThere =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
  if (isThere && request.is('application/json') === false)
    throw new AdministrationError('media_type_unsupported', 'the body must be application/json');
  next();
};

function read(schema: ZodType, value: unknown, what: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MOST_ISSUES).map(({ path, message }) => {
    return `${[what, ...path].map(String).join('.')}: ${message}`;
  });
  throw new AdministrationError('request_invalid', issues.join('; '));
}

function onceOf(request: Request, { issuer, subject }: Caller): OnceOnly | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && KEY.test(key)) return { caller: JSON.stringify([issuer, subject]), key };
  throw new AdministrationError(
    'request_invalid',
    'Idempotency-Key must be 1 to 255 printable ASCII characters',
  );
}

function sendProblem(response: Response, error: unknown): void {
  const refusal = refusalOf(error);
  callers(response).refusal = refusal;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = adminProblem(refusal);
  if (problem.status === 401) response.setHeader('www-authenticate', challengeOf(refusal));
  if (problem.status === 503) response.setHeader('retry-after', '5');
  sendWhole(response, problem.status, 'application/problem+json', problem);
}

function challengeOf({ code }: AdministrationError): string {
  return code === 'bearer_missing'
    ? 'Bearer realm="linkgrant"'
    : 'Bearer realm="linkgrant", error="invalid_token"';
}

/** What any error is to whoever asked; the cause of one that was not foreseen is for the log alone. */
function refusalOf(error: unknown): AdministrationError {
  if (error instanceof AdministrationError) return error;
  if (error instanceof RedemptionError && error.code === 'store_unavailable')
    return new AdministrationError('store_unavailable', 'the store cannot answer now', { cause: error });
  const { type = '', status } = error as { type?: string; status?: number };
  if (type === 'entity.too.large')
    return new AdministrationError('request_too_large', 'the body is longer than 64 KiB');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new AdministrationError(
      'media_type_unsupported',
      'the body must be UTF-8, and not encoded otherwise',
    );
  if (status === 400)
    return new AdministrationError('request_invalid', 'the request cannot be read as JSON or as a path');
  return new AdministrationError(
    'internal',
    'this was not foreseen; the cause is in the log of the service',
    { cause: error },
  );
}

function logRequests({ logger, clock }: AdminAppDependencies): express.RequestHandler {
  return (request, response, next) => {
    const begun = clock();
    const requestId = randomUUID();
    response.setHeader(REQUEST_ID_HEADER, requestId);
    response.once('close', () => {
      const { caller, refusal } = callers(response);
      const route = (request.route as { path?: string } | undefined)?.path;
      const fields = {
        event: refusal ? 'admin_refused' : 'admin',
        method: request.method,
        route,
        status: response.statusCode,
        ...(refusal && { code: refusal.code, reason: reasonOf(refusal) }),
        ...(caller && { caller: caller.subject, role: caller.role }),
        peer: normalizeAddress(request.socket.remoteAddress ?? ''),
        ms: clock() - begun,
        requestId,
      };
      if (refusal?.code === 'internal')
        logger.error({ ...fields, err: refusal.cause }, 'admin request failed');
      else logger.info(fields, refusal ? 'admin request refused' : 'admin request');
    });
    next();
  };
}

/** Why, for whoever runs the service; messages of libraries about tokens and keys name claims, and hold none. */
function reasonOf({ message, cause }: AdministrationError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
