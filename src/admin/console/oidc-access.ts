import type { IncomingMessage } from 'node:http';
import type { Request, Response, Router } from 'express';
import type { Logger } from 'pino';
import { AdministrationError, type AdministrationErrorCode } from '../../domain/administration-error.js';
import type { Clock } from '../../redemption/ports/clock.js';
import type { CodeKeys } from '../../redemption/ports/code-keys.js';
import type { CountFailure } from '../api/admin-app.js';
import { problemStatus } from '../api/admin-problem.js';
import { reasonOf } from '../api/answer-report.js';
import type { Authenticate, Caller, Role } from '../api/bearer.js';
import { OidcClient, type SignInSecrets } from '../oidc-client.js';
import { type ConsoleAccess, cookieOf, requireOwnOrigin, type SendPage } from './console-access.js';
import { consolePath, signInUrl } from './console-router.js';
import { SealedCookie } from './sealed-cookie.js';

// Browsers accept `__Host-` cookies only over HTTPS, from this host, for all its paths.
const SESSION = '__Host-linkgrant-session';
const SIGN_IN = '__Host-linkgrant-sign-in';
const COOKIE = { path: '/', secure: true, httpOnly: true } as const;
const SIGN_IN_MS = 600_000;
const FAILURE_TEXTS: Readonly<Partial<Record<AdministrationErrorCode, string>>> = {
  request_invalid: 'This sign-in was started in another browser, or more than ten minutes ago.',
  role_insufficient:
    'This account has no role for linkgrant. An administrator can assign the role viewer or operator.',
  identity_unavailable: 'The sign-in service cannot be reached now. Try again later.',
};

/** Options of an {@link OidcAccess}. */
export interface OidcAccessOptions {
  readonly origin: string;
  readonly issuer: string;
  readonly client: OidcClient;
  /** Verifies an ID token, passed as an Authorization header (`Bearer <ID token>`), and returns its subject and role. */
  readonly verifyIdToken: Authenticate;
  readonly sessionMs: number;
  /** The settings that decide who has which role. If they change, all sessions end. */
  readonly configuration: string;
  readonly codeKeys: CodeKeys;
  readonly countFailure: CountFailure;
  peerOf(request: IncomingMessage): string;
  readonly clock: Clock;
  readonly logger: Logger;
}

type SessionClaims = { readonly sub: string; readonly role: Role; readonly user: string };
/** The claims of a sign-in's cookie: `to` is the page to show afterwards. */
type SignInClaims = SignInSecrets & { readonly to: string };

/** Signs users in by OpenID Connect. Cookies hold the whole state, so that every worker and replica can answer. */
export class OidcAccess implements ConsoleAccess {
  readonly origin: string;
  readonly signInPath = '/console/sign-in';
  readonly #options: OidcAccessOptions;
  readonly #session: SealedCookie<SessionClaims>;
  readonly #signIn: SealedCookie<SignInClaims>;
  readonly #redirectUri: string;

  constructor(options: OidcAccessOptions) {
    const { codeKeys, clock } = options;
    this.origin = options.origin;
    this.#redirectUri = `${options.origin}/console/callback`;
    this.#options = options;
    this.#session = new SealedCookie('session', codeKeys, clock, options.configuration);
    this.#signIn = new SealedCookie('sign-in', codeKeys, clock);
  }

  async findSession(request: IncomingMessage): Promise<Caller | undefined> {
    const claims = await this.#session.open(cookieOf(request, SESSION) ?? '');
    if (!claims) return undefined;
    const { sub: subject, role, user } = claims;
    return { issuer: this.#options.issuer, subject, user, role };
  }

  addRoutes(router: Router, sendPage: SendPage): void {
    router.get('/console/sign-in', (request, response) =>
      this.#answer(sendPage, request, response, async () => {
        const claims = { ...OidcClient.createSecrets(), to: consolePath(request.query.to) };
        const url = await this.#options.client.authorizationUrl(claims, this.#redirectUri);
        const signIn = await this.#signIn.seal(claims, SIGN_IN_MS);
        // Lax: the provider's redirect is a navigation from another site.
        response.cookie(SIGN_IN, signIn, { ...COOKIE, sameSite: 'lax', maxAge: SIGN_IN_MS });
        response.redirect(303, url);
      }),
    );
    router.get('/console/callback', (request, response) =>
      this.#answer(sendPage, request, response, async (signIn) => {
        response.cookie(SIGN_IN, '', { ...COOKIE, sameSite: 'lax', maxAge: 0 });
        if (!signIn) throw new AdministrationError('request_invalid', 'there is no cookie of a sign-in');
        const { role, sub, user } = await this.#redeem(new URL(request.originalUrl, this.origin), signIn);
        const { sessionMs, logger } = this.#options;
        const session = await this.#session.seal({ sub, role, user }, sessionMs);
        response.cookie(SESSION, session, { ...COOKIE, sameSite: 'strict', maxAge: sessionMs });
        logger.info(
          { event: 'console_sign_in', caller: sub, role, peer: this.#options.peerOf(request) },
          'a user signed in to the console',
        );
        response.redirect(303, signIn.to);
      }),
    );
    router.post('/console/sign-out', (request, response) => {
      requireOwnOrigin(request, this.origin);
      response.cookie(SESSION, '', { ...COOKIE, sameSite: 'strict', maxAge: 0 });
      response.status(204).end();
    });
  }

  async #redeem(callback: URL, secrets: SignInSecrets): Promise<SessionClaims> {
    const { client, verifyIdToken } = this.#options;
    const { idToken, userName } = await client.redeemCallback(callback, secrets, this.#redirectUri);
    const { subject: sub, role } = await verifyIdToken(`Bearer ${idToken}`);
    return { sub, role, user: userName };
  }

  /**
   * Runs a step with the claims of the sign-in's cookie, and answers a failure with a page. Its link starts a new sign-in for
   * the same page of the console.
   */
  async #answer(
    sendPage: SendPage,
    request: Request,
    response: Response,
    step: (signIn: SignInClaims | undefined) => Promise<void>,
  ): Promise<void> {
    const { countFailure, peerOf, logger } = this.#options;
    const peer = peerOf(request);
    const signIn = await this.#signIn.open(cookieOf(request, SIGN_IN) ?? '');
    try {
      await step(signIn);
    } catch (error) {
      const refusal =
        error instanceof AdministrationError
          ? error
          : new AdministrationError('internal', 'unexpected error', { cause: error });
      const { code } = refusal;
      // A page of another site can send callbacks that belong to no sign-in.
      if (code !== 'request_invalid' && countFailure(peer)) {
        logger.info(
          { event: 'console_sign_in_refused', code, reason: reasonOf(refusal), peer },
          'a sign-in to the console failed',
        );
      }
      sendPage(response, problemStatus(code), {
        title: 'You are not signed in',
        text: FAILURE_TEXTS[code] ?? 'The sign-in failed. The log of the service has the reason.',
        signIn: signInUrl(this.signInPath, request.query.to ?? signIn?.to),
      });
    }
  }
}
