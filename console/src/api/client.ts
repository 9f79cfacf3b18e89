import createClient from 'openapi-fetch';
import type { components, paths } from '../../../src/domain/generated/admin-api.js';

/** The types of the admin API. */
export type Api = components['schemas'];

/** The response of `/console/session`. */
export interface Session {
  readonly user: string;
  readonly role: 'viewer' | 'operator';
  /** The store or service that the console acts on. */
  readonly where: string;
  /** The only namespace that the console shows; absent if it shows all. */
  readonly namespace?: string;
  /** True if the grants are resources of a cluster. Commands then neither change a CA nor verify the ledger. */
  readonly isCluster?: boolean;
  /** True if the data and texts come from a service on another machine. */
  readonly isRemote?: boolean;
  readonly version: string;
  /** The words that start linkgrant in the user's terminal, such as `npx linkgrant`; `linkgrant` if absent. */
  readonly program?: string;
  /** Flags that a command needs to act on the same store or service, such as ` --data-dir hub`; may be absent or empty. */
  readonly commandFlags?: string;
  readonly canSignOut: boolean;
}

/** A request that failed: the service refused it, or did not answer. */
export class ApiError extends Error {
  /** Code of the refusal; `unreachable` if there is no response or it has no code, `internal` for an error of the console. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly choices: readonly string[];
  /** The member of the request that was refused, such as `policy.linkgrant/subjects`. */
  readonly member: string | undefined;

  constructor(
    code: string,
    message: string,
    { hint, choices = [], member }: Pick<Partial<Api['AdminProblem']>, 'hint' | 'choices' | 'member'> = {},
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.choices = choices;
    this.member = member;
  }
}

/** The client of the admin API, on the origin of the console and with its cookie. */
export const client = createClient<paths>({ baseUrl: window.location.origin, credentials: 'same-origin' });

/** Callbacks of the requests. */
export const onSession = {
  /** Called if a request is refused because there is no session. */
  ended: () => {},
  /** Called with whether the service answers: after each request of the admin API, and when the stream of changes opens. */
  contact: (_isReachable: boolean) => {},
};

/** Resolves with the data of a response. Rejects with ApiError, or with the AbortError of an aborted request. */
export async function dataOf<T>(
  exchange: Promise<{ readonly data?: T; readonly error?: unknown; readonly response: Response }>,
): Promise<T> {
  const { data, error, response } = await exchange.catch((failure: unknown) => {
    if (failure instanceof DOMException && failure.name === 'AbortError') throw failure;
    onSession.contact(false);
    const hint = 'Check that the program that serves this console runs.';
    throw new ApiError('unreachable', 'No response arrived.', { hint });
  });
  onSession.contact(response.status !== 502 && response.status !== 504);
  if (response.status === 401) onSession.ended();
  if (response.ok) return data as T;
  const { code, detail, title, ...details } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as Partial<Api['AdminProblem']>;
  throw new ApiError(
    code ?? 'unreachable',
    detail ?? title ?? `The service answered with status ${response.status}.`,
    details,
  );
}

/**
 * Reads the session. If there is none, resolves with the URL that starts a sign-in and returns to the current page, or with null
 * if only a terminal can start a session.
 */
export async function readSession(): Promise<Session | { readonly signIn: string | null }> {
  const { pathname, search } = window.location;
  const to = encodeURIComponent(pathname + search);
  const response = await fetch(`/console/session?to=${to}`, { credentials: 'same-origin' });
  if (response.ok) return (await response.json()) as Session;
  if (response.status !== 401)
    throw new ApiError('unreachable', `The service answered with status ${response.status}.`);
  return (await response.json()) as { signIn: string | null };
}

/** Ends the session. */
export async function signOut(): Promise<void> {
  await fetch('/console/sign-out', { method: 'POST', credentials: 'same-origin' });
}

/** Returns the members that are not undefined. */
export function omitUndefined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

/** The query parameters of a request for a page. */
export interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}

/** The most items that the service returns at once. */
export const LARGEST_PAGE = 500;

/** Reads the pages of a list one after the other, until the last one. */
export async function* readPages<P extends { readonly next?: string }>(
  read: (page: PageQuery) => Promise<P>,
): AsyncGenerator<P> {
  let cursor: string | undefined;
  do {
    const page = await read({ limit: LARGEST_PAGE, ...omitUndefined({ cursor }) });
    yield page;
    cursor = page.next;
  } while (cursor !== undefined);
}

/** Reads the items of all pages of a list. */
export async function readItems<T>(
  read: (page: PageQuery) => Promise<{ readonly items: readonly T[]; readonly next?: string }>,
): Promise<T[]> {
  const all: T[] = [];
  for await (const { items } of readPages(read)) all.push(...items);
  return all;
}

const MAX_PAGES = 20;

/**
 * Reads the page at `cursor`, or the first page after it that has items; at most 20 pages. A request of a filtered list searches
 * a bounded number of items, so a page can be empty although later pages are not.
 */
export async function pageWithItems<P extends { readonly items: readonly unknown[]; readonly next?: string }>(
  cursor: string | undefined,
  read: (cursor: string | undefined) => Promise<P>,
): Promise<P> {
  let page = await read(cursor);
  for (let count = 1; count < MAX_PAGES && page.items.length === 0 && page.next !== undefined; count += 1)
    page = await read(page.next);
  return page;
}
