const MAX_STEPS = 16;

/** A page, and the URL that it redirects to. */
interface Page {
  readonly url: string;
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
}

/** What the user does at the first page of the provider: log in, or abort. */
export type Decision = 'allow' | 'deny';

/** Opens a URL as a browser does: with cookies for each origin, redirects and forms. Returns the last page. */
export async function openInBrowser(url: string, user: string, decision: Decision = 'allow'): Promise<Page> {
  const jars = new Map<string, Map<string, string>>();
  const visit = async (target: string, form?: URLSearchParams): Promise<Page> => {
    const { origin } = new URL(target);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const answer = await fetch(target, {
      redirect: 'manual',
      headers: { cookie: [...jar].map((pair) => pair.join('=')).join('; ') },
      ...(form && { method: 'POST', body: form }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    const location = answer.headers.get('location');
    return {
      url: target,
      status: answer.status,
      body: await answer.text(),
      location: location === null ? undefined : new URL(location, target).href,
    };
  };
  let page = await visit(url);
  let isAborted = false;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const abort = /href="([^"]*\/abort)"/.exec(page.body)?.[1];
    const action = /<form[^>]* action="([^"]*)"/.exec(page.body)?.[1];
    if (page.location !== undefined) page = await visit(page.location);
    else if (decision === 'deny' && abort !== undefined) {
      page = await visit(new URL(abort, page.url).href);
      isAborted = true;
    } else if (action !== undefined && !isAborted)
      page = await visit(new URL(action, page.url).href, fieldsOf(page.body, user));
    else return page;
  }
  throw new Error(`the login did not end: ${page.url} ${page.status}`);
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
