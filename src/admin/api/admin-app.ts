import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { ZodType } from 'zod';
import { AdministrationError } from '../../domain/administration-error.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import type { Administration, OnceOnly } from '../../redemption/administration/administration.js';
import { drain } from '../../time/drain.js';
import { SharedRead } from '../../time/shared-read.js';
import type { AdminObserver } from '../admin-metrics.js';
import { adminProblem, problemStatus } from './admin-problem.js';
import { findingsOf, inAdminSpan, reportAnswers } from './answer-report.js';
import { type Caller, requireRole } from './bearer.js';
import type { ChangeStreams } from './change-streams.js';
import { describeIssue } from './request-issues.js';
import { type LoginMetadata, METADATA_PATH, metadataHandler, metadataUrl } from './resource-metadata.js';
import { ADMIN_ROUTES, type AdminRoute } from './routes.js';

const MAX_BYTES = 64 * 1024;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const MAX_ISSUES = 5;
// Time limit for the arrival of a body after its headers.
const BODY_TIMEOUT_MS = 10_000;
const DRAIN_BYTES = 1024 * 1024;
// An overview reads all links, and checks of a service that does not respond take seconds, so clients share the results.
const SHARED_INTERVAL_MS = 1_000;

/**
 * Returns the caller of a request. Rejects with AdministrationError if the caller is not authenticated, has no accepted role, or
 * uses the console's session from a page of another origin.
 */
export type AuthenticateRequest = (request: IncomingMessage) => Promise<Caller>;

/** Dependencies of the admin API. */
export interface AdminAppDependencies {
  readonly administration: Administration;
  /** Returns the administration for the changes of a caller; absent if all changes are those of one actor. */
  readonly administrationOf?: (caller: Caller) => Administration;
  readonly streams: ChangeStreams;
  readonly authenticate: AuthenticateRequest;
  /** Routes of the web console, which need no authentication; absent without a console. */
  readonly console?: express.Router | undefined;
  /** Published without authentication; absent if users cannot log in with `linkgrant login`. */
  readonly login?: LoginMetadata | undefined;
  readonly countFailure: CountFailure;
  peerOf(request: IncomingMessage): string;
  onAuthenticated(request: IncomingMessage): void;
  readonly observer: AdminObserver;
  readonly logger: Logger;
}

/**
 * Counts a failed authentication of `peer`; returns false if its source has exceeded its budget, and the failure must not be
 * logged.
 */
export type CountFailure = (peer: string) => boolean;

/**
 * Creates the admin API. Requests are authenticated before routing; `viewer` may read, `operator` may write. Responses
 * are JSON or, on routes with streams, an event stream; refusals are RFC 9457 problems. No response may be cached.
 */
export function createAdminApp(dependencies: AdminAppDependencies): Express {
  const deps = { ...dependencies, administration: withSharedReads(dependencies.administration) };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  // Other hosts of the domain may serve plain HTTP.
  app.use(helmet({ strictTransportSecurity: { includeSubDomains: false } }));
  app.use(reportAnswers(deps));
  if (deps.login) app.all(METADATA_PATH, metadataHandler(deps.login));
  if (deps.console) app.use(deps.console);
  app.use(authenticationHandler(deps));
  for (const path of new Set(ADMIN_ROUTES.map((route) => route.path))) {
    const routes = ADMIN_ROUTES.filter((route) => route.path === path);
    const pattern = path.replace(/\{(\w+)\}/, ':$1');
    for (const route of routes) app[route.method](pattern, ...handlersOf(route, deps));
    const allowed = routes.map(({ method }) => method.toUpperCase()).join(', ');
    app.all(pattern, (_request, response) => {
      findingsOf(response).route = { method: 'other', path };
      response.setHeader('allow', allowed);
      throw new AdministrationError('method_not_allowed', `this route supports ${allowed}`);
    });
  }
  app.use(() => {
    throw new AdministrationError('no_such_route', 'there is no such route; openapi.yaml lists them');
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) =>
    sendProblem(response, error, deps.login && metadataUrl(request)),
  );
  return app;
}

/**
 * Limits overviews, health checks and descriptions of the service to one a second each, and shares the result among the waiting
 * callers. A caller never gets a result whose computation began before its request.
 */
function withSharedReads(administration: Administration): Administration {
  const options = { intervalMs: SHARED_INTERVAL_MS };
  const overview = new SharedRead(() => administration.readOverview(), options);
  const health = new SharedRead(() => administration.checkHealth(), options);
  const service = new SharedRead(() => administration.describeService(), options);
  return {
    ...administration,
    readOverview: () => overview.readAfter(),
    checkHealth: () => health.readAfter(),
    describeService: () => service.readAfter(),
  };
}

function authenticationHandler(deps: AdminAppDependencies): express.RequestHandler {
  return async (request, response, next) => {
    const findings = findingsOf(response);
    const { peer } = findings;
    try {
      findings.caller = await deps.authenticate(request);
    } catch (error) {
      const isFailure = problemStatus(refusalOfError(error).code) === 401;
      if (isFailure) findings.isUnlogged = !deps.countFailure(peer);
      throw error;
    }
    deps.onAuthenticated(request);
    void inAdminSpan(request, response, next);
  };
}

/** Returns the caller, which the authentication before all routes has stored. */
function callerOf(response: Response): Caller {
  return findingsOf(response).caller as Caller;
}

function handlersOf(route: AdminRoute, deps: AdminAppDependencies): express.RequestHandler[] {
  const checkRole: express.RequestHandler = (_request, response, next) => {
    findingsOf(response).route = { method: route.method.toUpperCase(), path: route.path };
    requireRole(callerOf(response), route.role);
    next();
  };
  const run: express.RequestHandler = async (request, response) => {
    const findings = findingsOf(response);
    const caller = callerOf(response);
    const [id = ''] = Object.values(request.params).map(String);
    const input = {
      role: caller.role,
      id,
      query: validate(route.query, request.query, 'query'),
      body: validate(route.body, request.body ?? {}, 'body'),
      once: route.supportsIdempotencyKey ? onceOf(request, caller) : undefined,
    };
    if (route.hasStream && wantsStream(request)) {
      await deps.streams.open(response, callerKey(caller));
      findings.answeredAt = performance.now();
      return;
    }
    const administration = route.method === 'get' ? undefined : deps.administrationOf?.(caller);
    const { status, body, location } = await route.run(input as never, administration ?? deps.administration);
    if (location !== undefined) response.setHeader('location', location);
    findings.answeredAt = performance.now();
    sendJson(response, status, 'application/json', body);
  };
  const acceptsBody = route.method === 'post' || route.method === 'patch';
  return acceptsBody ? [checkRole, requireJson, readJsonInTime, run] : [checkRole, run];
}

function wantsStream(request: Request): boolean {
  const types = ['application/json', 'text/event-stream'];
  return request.method === 'GET' && request.accepts(types) === 'text/event-stream';
}

const readJson = express.json({ limit: MAX_BYTES, inflate: false, type: () => true });

const readJsonInTime: express.RequestHandler = (request, response, next) => {
  let isSettled = false;
  const settle = (error?: unknown) => {
    clearTimeout(timer);
    if (!isSettled) next(error);
    isSettled = true;
  };
  const timer = setTimeout(() => {
    settle(new AdministrationError('request_timeout', 'the body did not arrive in time'));
  }, BODY_TIMEOUT_MS);
  readJson(request, response, settle);
};

/** Refuses a body that is not JSON. A request without a body continues. */
const requireJson: express.RequestHandler = (request, _response, next) => {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
  if (hasBody && request.is('application/json') === false)
    throw new AdministrationError('media_type_unsupported', 'the body must be application/json');
  next();
};

function validate(schema: ZodType, value: unknown, part: 'query' | 'body'): unknown {
  const parsed = schema.safeParse(value, { error: describeIssue });
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({
    member: path.join('.') || undefined,
    message,
  }));
  const text = issues.map(({ member = `the ${part}`, message }) => `${member} ${message}`).join('; ');
  const [first, ...others] = issues;
  throw new AdministrationError('request_invalid', text, {
    ...(part === 'body' && others.length === 0 && { member: first?.member }),
  });
}

/** Returns a text that identifies a caller. Subjects are unique only within their issuer. */
function callerKey({ issuer, subject }: Caller): string {
  return JSON.stringify([issuer, subject]);
}

function onceOf(request: Request, caller: Caller): OnceOnly | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return { caller: callerKey(caller), key };
  throw new AdministrationError(
    'request_invalid',
    'Idempotency-Key must be 1 to 255 printable ASCII characters without spaces',
  );
}

function sendProblem(response: Response, error: unknown, metadata: string | undefined): void {
  const refusal = refusalOfError(error);
  const findings = findingsOf(response);
  findings.refusal = refusal;
  findings.answeredAt = performance.now();
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = adminProblem(refusal);
  if (problem.status === 401) response.setHeader('www-authenticate', challengeOf(refusal, metadata));
  if (problem.status === 503) response.setHeader('retry-after', '5');
  sendJson(response, problem.status, 'application/problem+json', problem);
}

function challengeOf({ code }: AdministrationError, metadata: string | undefined): string {
  const error = code === 'bearer_missing' ? '' : ', error="invalid_token"';
  return `Bearer realm="linkgrant"${error}${metadata ? `, resource_metadata="${metadata}"` : ''}`;
}

/** Converts any error to a refusal; the cause of an unexpected one goes to the log only. */
function refusalOfError(error: unknown): AdministrationError {
  if (error instanceof AdministrationError) return error;
  if (error instanceof RedemptionError && error.code === 'store_unavailable')
    return new AdministrationError('store_unavailable', 'the store cannot answer now', { cause: error });
  // With `linkgrant console`, the store can be a remote service or the API server of a cluster; these fail with other codes.
  if (error instanceof RedemptionError && error.code !== 'internal') {
    const message = error.message.replace(/\.$/, '');
    return new AdministrationError('store_unavailable', message, { cause: error.cause });
  }
  const { type = '', status } = error as { type?: string; status?: number };
  if (type === 'entity.too.large')
    return new AdministrationError('request_too_large', 'the body is longer than 64 KiB');
  if (type === 'encoding.unsupported' || type === 'charset.unsupported')
    return new AdministrationError(
      'media_type_unsupported',
      'the body must be UTF-8 without a content encoding',
    );
  if (status === 400)
    return new AdministrationError('request_invalid', 'the body is not valid JSON, or the path is not valid');
  return new AdministrationError('internal', 'unexpected error; the log of the service has the cause', {
    cause: error,
  });
}

/** Sends `body` as JSON, or no body if it is undefined, with headers against caching, and closes the connection. */
function sendJson(response: ServerResponse, status: number, type: string, body: unknown): void {
  const { req: request } = response;
  const text = body === undefined ? '' : `${JSON.stringify(body)}\n`;
  response.statusCode = status;
  response.setHeader('cache-control', 'no-store');
  response.setHeader('connection', 'close');
  if (body !== undefined) {
    response.setHeader('content-type', type);
    response.setHeader('content-length', Buffer.byteLength(text));
  }
  if (request.complete || request.method === 'HEAD') {
    response.end(request.method === 'HEAD' ? undefined : text);
    return;
  }
  response.write(text);
  drain(request, DRAIN_BYTES, () => response.end());
}
