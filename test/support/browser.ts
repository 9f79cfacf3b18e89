const MAX_STEPS = 16;

/** A page, and the URL that it redirects to. */
export interface Page {
  readonly url: string;
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
}

/** What the user does at the first page of the provider: log in, or abort. */
export type Decision = 'allow' | 'deny';

/** The part of a browser that a login needs: cookies for each origin, redirects and forms. */
export class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  /** Sends one request without following its redirect; a POST if `form` is passed. */
  async visit(url: string, form?: URLSearchParams): Promise<Page> {
    const { origin } = new URL(url);
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: this.cookieHeader(origin) },
      ...(form && { method: 'POST', body: form }),
    });
    for (const line of answer.headers.getSetCookie()) this.storeCookie(origin, line);
    const location = answer.headers.get('location') ?? undefined;
    return { url, status: answer.status, body: await answer.text(), location };
  }

  /**
   * Opens a URL, follows redirects and fills in forms with any password. Returns the last page, or the first that `isLast`
   * accepts.
   */
  async logIn(
    url: string,
    user: string,
    {
      decision = 'allow',
      isLast = () => false,
    }: { decision?: Decision | undefined; isLast?: (page: Page) => boolean } = {},
  ): Promise<Page> {
    let page = await this.visit(url);
    let isAborted = false;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const abort = /href="([^"]*\/abort)"/.exec(page.body)?.[1];
      const action = /<form[^>]* action="([^"]*)"/.exec(page.body)?.[1];
      const open = (target: string, form?: URLSearchParams) =>
        this.visit(new URL(target, page.url).href, form);
      if (isLast(page)) return page;
      if (page.location !== undefined) page = await open(page.location);
      else if (decision === 'deny' && abort !== undefined) {
        page = await open(abort);
        isAborted = true;
      } else if (action !== undefined && !isAborted) page = await open(action, fieldsOf(page.body, user));
      else return page;
    }
    throw new Error(`the login did not end: ${page.url} ${page.status}`);
  }

  /** The cookies for an origin: value by name. */
  protected cookiesOf(origin: string): Map<string, string> {
    const jar = this.#jars.get(origin) ?? new Map<string, string>();
    this.#jars.set(origin, jar);
    return jar;
  }

  protected cookieHeader(origin: string): string {
    return [...this.cookiesOf(origin)].map((pair) => pair.join('=')).join('; ');
  }

  /** Stores or deletes the cookie of a Set-Cookie line. */
  protected storeCookie(origin: string, line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '') this.cookiesOf(origin).delete(name);
    else this.cookiesOf(origin).set(name, value);
  }
}

/** The fields of a form, with the name of the user; any password is right. */
function fieldsOf(body: string, user: string): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [input] of body.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1];
    if (name !== undefined) fields.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '');
  }
  if (fields.has('login')) fields.set('login', user);
  if (fields.has('password')) fields.set('password', 'x');
  return fields;
}
