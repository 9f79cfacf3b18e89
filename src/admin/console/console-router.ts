import { extname } from 'node:path';
import { type NextFunction, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { findingsOf } from '../api/answer-report.js';
import type { ConsoleAccess, MessagePage } from './console-access.js';

/** Dependencies of the console's routes. */
export interface ConsoleRouterDependencies {
  readonly access: ConsoleAccess;
  readonly files: ReadonlyMap<string, Buffer>;
  /** What the console administers, for display, such as `data directory /var/lib/linkgrant`. */
  readonly where: string;
  /** The only namespace that the console shows; absent if it shows all. */
  readonly namespace?: string | undefined;
  /** True if the grants are resources of a cluster. */
  readonly isCluster?: boolean | undefined;
  /** True if the data come from a service on another machine, with `linkgrant console --server`. */
  readonly isRemote?: boolean | undefined;
  readonly version: string;
  /** The command that starts linkgrant in a terminal, such as `npx linkgrant`; `linkgrant` by default. */
  readonly program?: string | undefined;
  /** Flags with which commands on the pages use the same store or service, such as ` --data-dir DIR`; may be empty. */
  readonly commandFlags?: string | undefined;
}

const SELF = ["'self'"];
const NONE = ["'none'"];
const pageHeaders = helmet({
  // Other hosts of the domain may serve plain HTTP.
  strictTransportSecurity: { includeSubDomains: false },
  xFrameOptions: { action: 'deny' },
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: NONE,
      scriptSrc: SELF,
      styleSrc: SELF,
      imgSrc: ["'self'", 'data:'],
      fontSrc: SELF,
      connectSrc: SELF,
      baseUri: NONE,
      formAction: SELF,
      frameAncestors: NONE,
    },
  },
});

/** Creates the routes under `/console/`: the pages, the session, and the routes that start and end sessions. */
export function createConsoleRouter({ access, files, ...description }: ConsoleRouterDependencies): Router {
  const router = Router();
  const { signInPath } = access;
  const sendFile = (path: string, response: Response, next: NextFunction, caching = 'no-store') => {
    const content = files.get(path);
    if (content) response.setHeader('cache-control', caching).type(extname(path)).send(content);
    else next();
  };
  router.use('/console', describeRequest);
  router.get(['/', /^\/console$/], describeRequest, (_request, response) =>
    response.redirect(302, '/console/'),
  );
  router.use('/console', pageHeaders);
  // Vite puts a hash of the content into the name of each file there.
  router.get('/console/assets/:name', ({ params }, response, next) =>
    sendFile(`assets/${params.name}`, response, next, 'public, max-age=31536000, immutable'),
  );
  router.use('/console/assets', notFound);
  router.use('/console', (_request, response, next) => {
    response.setHeader('cache-control', 'no-store');
    next();
  });
  router.get('/console/session', async (request, response) => {
    const caller = await access.findSession(request);
    if (caller) {
      const { user, role } = caller;
      response.json({ user, role, ...description, canSignOut: signInPath !== null });
      return;
    }
    response.status(401).json({ signIn: signInPath && signInUrl(signInPath, request.query.to) });
  });
  const template = String(files.get('message.html') ?? MESSAGE_PLACE);
  access.addRoutes(router, (response, status, page) => {
    response.status(status).type('html').send(messagePage(template, page));
  });
  router.get('/console/:name', ({ params }, response, next) => sendFile(params.name, response, next));
  router.get('/console/{*path}', (_request, response, next) => sendFile('index.html', response, next));
  router.use('/console', notFound);
  return router;
}

// Every other path is a page or a file. The metrics count those as one route.
const ENDPOINTS: ReadonlySet<string> = new Set(
  ['session', 'sign-in', 'callback', 'sign-out', 'open'].map((name) => `/console/${name}`),
);

/** Sets the route of a request for the metrics, and excludes the request from the log: sign-ins have log lines of their own. */
const describeRequest: RequestHandler = (request, response, next) => {
  const { method } = request;
  const path = `${request.baseUrl}${request.path}`;
  const findings = findingsOf(response);
  findings.route = {
    method: method === 'GET' || method === 'POST' ? method : 'other',
    path: ENDPOINTS.has(path) ? path : '/console/',
  };
  findings.isUnlogged = true;
  next();
};

const notFound: RequestHandler = (_request, response) => {
  response.status(404).type('text/plain').send('There is no such file.\n');
};

/** Returns the URL that starts a sign-in at `path` and then shows the page `to`. */
export function signInUrl(path: string, to: unknown): string {
  return `${path}?to=${encodeURIComponent(consolePath(to))}`;
}

// A sign-in stores the path in a cookie, and browsers limit a cookie to 4 KiB.
const MAX_PATH_LENGTH = 1_000;

/** Returns `to` if it is a path of the console, else the path of its first page. */
export function consolePath(to: unknown): string {
  const first = '/console/';
  if (typeof to !== 'string' || !to.startsWith(first) || to.length > MAX_PATH_LENGTH) return first;
  const { pathname, search, hash } = new URL(to, 'https://console.invalid');
  return pathname.startsWith(first) ? `${pathname}${search}${hash}` : first;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

// Where console/message.html has the message.
const MESSAGE_PLACE = '<!-- message -->';

function messagePage(template: string, { title, text, signIn }: MessagePage): string {
  const prose = escapeHtml(text).replace(/`([^`]+)`/g, '<code class="mono">$1</code>');
  const link =
    signIn === undefined
      ? ''
      : `<p><a class="pf-v6-c-button pf-m-primary" href="${signIn}"><span class="pf-v6-c-button__text">Sign in again</span></a></p>`;
  const message = `<h1 class="pf-v6-c-title pf-m-2xl">${escapeHtml(title)}</h1><p>${prose}</p>${link}`;
  return template.replace(MESSAGE_PLACE, () => message);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character] ?? '');
}
