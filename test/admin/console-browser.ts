import { post, type WireAnswer } from '../support/wire.js';
import { CONSOLE_CLIENT } from './oidc-issuer.js';

const { origin } = CONSOLE_CLIENT;
const MAX_STEPS = 12;

/** A page that a browser shows. */
export interface ShownPage {
  readonly status: number;
  readonly url: string;
  readonly body: string;
  readonly location: string | undefined;
}

/** The part of a browser that a sign-in needs: cookies of the console and of the provider, redirects and forms. */
export class ConsoleBrowser {
  /** Port of 127.0.0.1 that answers for the console. */
  readonly port: number;
  /** Returns the port for the next request to the console. */
  choosePort: () => number;
  /** Every Set-Cookie header of the console. */
  readonly received: string[] = [];
  /** Where the last redirect of the console leads. */
  location = '';
  readonly #ca: string;
  readonly #jars = new Map<string, Map<string, string>>();
  readonly #visited: string[] = [];

  constructor(port: number, ca: string) {
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
  ): Promise<WireAnswer> {
    const target = { port: this.choosePort(), ca: this.#ca };
    const answer = await post(target, path, body, {
      method,
      headers: { host: new URL(origin).host, cookie: this.#cookiesOf(origin), ...headers },
    });
    for (const line of (answer.headers['set-cookie'] ?? '').split(/, ?(?=__Host-)/).filter(Boolean)) {
      this.received.push(line);
      this.#store(origin, line);
    }
    this.location = answer.headers.location ?? this.location;
    return answer;
  }

  /** Sends one request to the console or the provider, without following its redirect. */
  async visit(url: string, form?: Record<string, string>): Promise<ShownPage> {
    this.#visited.push(url);
    const { origin: host, pathname, search } = new URL(url);
    if (host === origin) {
      const { status, body, headers } = await this.send(`${pathname}${search}`);
      return { status, body, url, location: headers.location };
    }
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: this.#cookiesOf(host) },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of answer.headers.getSetCookie()) this.#store(host, line);
    const location = answer.headers.get('location') ?? undefined;
    return { status: answer.status, body: await answer.text(), url, location };
  }

  /** Signs in at the provider with any password, and returns the page of the console that is shown then. */
  async signIn(user: string, path = '/console/sign-in'): Promise<ShownPage> {
    return this.#proceed(user, await this.visit(`${origin}${path}`), () => false);
  }

  /** Signs in at the provider, and returns the URL of the console's callback, which is not visited. */
  async signInUpToCallback(user: string): Promise<string> {
    const isCallback = ({ location }: ShownPage) =>
      location?.startsWith(`${origin}/console/callback`) ?? false;
    const { location = '' } = await this.#proceed(
      user,
      await this.visit(`${origin}/console/sign-in`),
      isCallback,
    );
    return location;
  }

  cookie(name: string): string | undefined {
    return this.#jars.get(origin)?.get(name);
  }

  setCookie(name: string, value: string): void {
    this.#store(origin, `${name}=${value}`);
  }

  /** Values that no log may contain: cookies, and `code`, `state` and `nonce` of visited URLs. */
  secrets(): string[] {
    const cookies = this.received.map((line) => line.replace(/^[^=]+=([^;]*).*/, '$1'));
    const parameters = this.#visited.flatMap((url) =>
      ['code', 'state', 'nonce'].map((name) => new URL(url).searchParams.get(name) ?? ''),
    );
    return [...cookies, ...parameters].filter((value) => value !== '');
  }

  async #proceed(user: string, first: ShownPage, isLast: (page: ShownPage) => boolean): Promise<ShownPage> {
    let page = first;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const form = /action="([^"]*)".*?name="prompt" value="(\w+)"/s.exec(page.body);
      if (isLast(page)) return page;
      if (page.location !== undefined) page = await this.visit(new URL(page.location, page.url).href);
      else if (form?.[1] !== undefined && !page.url.startsWith(origin))
        page = await this.visit(new URL(form[1], page.url).href, {
          prompt: form[2] ?? '',
          login: user,
          password: 'x',
        });
      else return page;
    }
    throw new Error(`the sign-in did not end: ${page.url} ${page.status}`);
  }

  #cookiesOf(host: string): string {
    return [...(this.#jars.get(host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #store(host: string, line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    const jar = this.#jars.get(host) ?? new Map<string, string>();
    if (value === '') jar.delete(name);
    else jar.set(name, value);
    this.#jars.set(host, jar);
  }
}
