import { Browser, type Page } from '../support/browser.js';
import { post, type WireResponse } from '../support/wire.js';
import { CONSOLE_CLIENT } from './oidc-issuer.js';

const { origin } = CONSOLE_CLIENT;

/** A browser that reaches the console of a team at a port of 127.0.0.1. */
export class ConsoleBrowser extends Browser {
  /** Port of 127.0.0.1 that answers for the console. */
  readonly port: number;
  /** Returns the port for the next request to the console. */
  choosePort: () => number;
  /** Every Set-Cookie header of the console. */
  readonly received: string[] = [];
  /** Where the last redirect of the console leads. */
  location = '';
  readonly #ca: string;
  readonly #visited: string[] = [];

  constructor(port: number, ca: string) {
    super();
    this.port = port;
    this.choosePort = () => port;
    this.#ca = ca;
  }

  /** Sends a request to the console with its cookies, unless `headers` has others. */
  async send(
    path: string,
    {
      method = 'GET',
      headers = {},
      body = '',
    }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<WireResponse> {
    const target = { port: this.choosePort(), ca: this.#ca };
    const answer = await post(target, path, body, {
      method,
      headers: { host: new URL(origin).host, cookie: this.cookieHeader(origin), ...headers },
    });
    for (const line of (answer.headers['set-cookie'] ?? '').split(/, ?(?=__Host-)/).filter(Boolean)) {
      this.received.push(line);
      this.storeCookie(origin, line);
    }
    this.location = answer.headers.location ?? this.location;
    return answer;
  }

  override async visit(url: string, form?: URLSearchParams): Promise<Page> {
    this.#visited.push(url);
    if (new URL(url).origin !== origin) return super.visit(url, form);
    const { status, body, headers } = await this.send(url.slice(origin.length));
    return { url, status, body, location: headers.location };
  }

  /** Signs in at the provider, and returns the page of the console that is shown then. */
  signIn(user: string, path = '/console/sign-in'): Promise<Page> {
    return this.logIn(`${origin}${path}`, user);
  }

  /** Signs in at the provider, and returns the URL of the console's callback, which is not visited. */
  async signInUpToCallback(user: string): Promise<string> {
    const isLast = ({ location }: Page) => location?.startsWith(`${origin}/console/callback`) ?? false;
    const { location = '' } = await this.logIn(`${origin}/console/sign-in`, user, { isLast });
    return location;
  }

  cookie(name: string): string | undefined {
    return this.cookiesOf(origin).get(name);
  }

  setCookie(name: string, value: string): void {
    this.cookiesOf(origin).set(name, value);
  }

  /** Values that no log may contain: cookies, and `code`, `state` and `nonce` of visited URLs. */
  secrets(): string[] {
    const cookies = this.received.map((line) => line.replace(/^[^=]+=([^;]*).*/, '$1'));
    const parameters = this.#visited.flatMap((url) =>
      ['code', 'state', 'nonce'].map((name) => new URL(url).searchParams.get(name) ?? ''),
    );
    return [...cookies, ...parameters].filter((value) => value !== '');
  }
}
