import { hash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Router } from 'express';
import type { Clock } from '../../redemption/ports/clock.js';
import type { Caller, Role } from '../api/bearer.js';
import { type ConsoleAccess, cookieOf, type MessagePage, type SendPage } from './console-access.js';

const VALID_MS = 60_000;
const AGAIN =
  'Press Enter in the terminal where `linkgrant console` runs, and open the URL that it prints. If it has ended, start it again.';

/** Options of a {@link OneTimeAccess}. */
export interface OneTimeAccessOptions {
  readonly origin: string;
  /** Name of the user that runs the console. */
  readonly user: string;
  readonly role: Role;
  readonly clock: Clock;
  /** Called if a browser opens a URL: `opened`, or `repeated` if that URL was used before. */
  onOpen(outcome: 'opened' | 'repeated'): void;
}

/**
 * Signs in the user of the terminal with one-time URLs, each valid for 60 seconds. Sessions end with this process. Only hashes of
 * codes and cookies are stored.
 */
export class OneTimeAccess implements ConsoleAccess {
  readonly origin: string;
  readonly signInPath = null;
  readonly #caller: Caller;
  readonly #cookie: string;
  readonly #clock: Clock;
  readonly #onOpen: OneTimeAccessOptions['onOpen'];
  /** By the hash of a code: the time at which its URL expires, and whether a browser has opened it. */
  readonly #codes = new Map<string, { readonly end: number; isUsed: boolean }>();
  readonly #sessions = new Set<string>();

  constructor({ origin, user, role, clock, onOpen }: OneTimeAccessOptions) {
    this.origin = origin;
    this.#caller = { issuer: 'linkgrant console', subject: user, user, role };
    // Browsers send cookies to every port of a host.
    this.#cookie = `linkgrant-console-${new URL(origin).port}`;
    this.#clock = clock;
    this.#onOpen = onOpen;
  }

  issueUrl(): string {
    const code = newSecret();
    this.#codes.set(hashOf(code), { end: this.#clock() + VALID_MS, isUsed: false });
    return `${this.origin}/console/open?code=${code}`;
  }

  async findSession(request: IncomingMessage): Promise<Caller | undefined> {
    const cookie = cookieOf(request, this.#cookie);
    return cookie !== undefined && this.#sessions.has(hashOf(cookie)) ? this.#caller : undefined;
  }

  addRoutes(router: Router, sendPage: SendPage): void {
    router.get('/console/open', async (request, response, next) => {
      // A HEAD must not use up the URL.
      if (request.method !== 'GET') return next();
      const refusal = this.#useCode(hashOf(String(request.query.code)));
      if (refusal !== undefined) {
        // The user may open the URL again in a browser that has the session.
        if (await this.findSession(request)) response.redirect(303, '/console/');
        else sendPage(response, 403, refusal);
        return;
      }
      const cookie = newSecret();
      this.#sessions.add(hashOf(cookie));
      response.cookie(this.#cookie, cookie, { path: '/', httpOnly: true, sameSite: 'strict' });
      response.redirect(303, '/console/');
    });
  }

  /** Uses the code with this hash. Returns undefined if it was unused and has not expired, else the page that says why. */
  #useCode(codeHash: string): MessagePage | undefined {
    const code = this.#codes.get(codeHash);
    if (!code) return { title: 'This URL does not belong to this console', text: AGAIN };
    if (code.isUsed) {
      this.#onOpen('repeated');
      return {
        title: 'This URL was used before',
        text: `It works only once. ${AGAIN} If you did not open the URL before, another program has read it: press Ctrl-C in that terminal, which ends the console.`,
      };
    }
    // It was not opened in time, so no other program has used it.
    if (this.#clock() >= code.end)
      return { title: 'This URL has expired', text: `It works for 60 seconds. ${AGAIN}` };
    code.isUsed = true;
    this.#onOpen('opened');
    return undefined;
  }
}

/** 256 random bits as text. */
function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Secrets are looked up by this hash, so that the time of a look-up reveals nothing about them. */
function hashOf(secret: string): string {
  return hash('sha256', secret, 'base64url');
}
