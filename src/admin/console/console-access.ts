import type { IncomingMessage } from 'node:http';
import type { Response, Router } from 'express';
import { AdministrationError } from '../../domain/administration-error.js';
import type { AuthenticateRequest } from '../api/admin-app.js';
import type { Authenticate, Caller } from '../api/bearer.js';

/** How users of the console sign in, and how a request proves its session. */
export interface ConsoleAccess {
  /** The origin of the console's pages, such as `https://grants.example.com:9443`. */
  readonly origin: string;
  /** Path of the route that starts a sign-in; null if only the terminal can start one. */
  readonly signInPath: string | null;
  /** Returns the user of the session that the cookie of a request proves; undefined if there is none or it has ended. */
  findSession(request: IncomingMessage): Promise<Caller | undefined>;
  /** Adds the routes under `/console` that start and end sessions. */
  addRoutes(router: Router, sendPage: SendPage): void;
}

/** A page for a user without a session. */
export interface MessagePage {
  readonly title: string;
  /** What to do; the parts in backticks are shown as code. */
  readonly text: string;
  /** The URL that starts a sign-in; absent if only a terminal can start a session. */
  readonly signIn?: string;
}

/** Sends a page in response to a request that starts no session. */
export type SendPage = (response: Response, status: number, page: MessagePage) => void;

/**
 * Authenticates requests to the admin API by the session of the console, and by their bearer token if they have one and
 * `byBearer` is present.
 */
export function consoleAuthentication(access: ConsoleAccess, byBearer?: Authenticate): AuthenticateRequest {
  return async (request) => {
    const { authorization } = request.headers;
    if (byBearer && authorization !== undefined) return byBearer(authorization);
    const caller = await access.findSession(request);
    if (!caller)
      throw new AdministrationError(
        'bearer_missing',
        'the request has neither a bearer token nor a valid session of the console',
      );
    requireOwnOrigin(request, access.origin);
    return caller;
  };
}

/**
 * Throws AdministrationError `origin_refused` if a page of another origin sent the request. Browsers add cookies to such
 * requests too. A write must name its origin.
 */
export function requireOwnOrigin({ method, headers }: IncomingMessage, own: string): void {
  const isRead = method === 'GET' || method === 'HEAD';
  const { origin = isRead ? own : undefined, 'sec-fetch-site': site = 'same-origin' } = headers;
  // A browser sends `none` if the user typed the URL.
  const isOwnSite = site === 'same-origin' || (isRead && site === 'none');
  if (origin === own && isOwnSite) return;
  throw new AdministrationError('origin_refused', `only pages of ${own} may send this request`);
}

/** Returns the value of a cookie of a request (RFC 6265 §5.4); undefined if it has none of that name. */
export function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}
