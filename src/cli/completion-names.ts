import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { commandContext } from '../config/command-context.js';
import type { Flags } from '../config/config.js';
import { isUuid } from '../domain/names.js';
import { readBoundedText } from '../files/bounded-text.js';
import { homeDirectory } from '../files/system-user.js';
import type { TokenFilter } from '../redemption/administration/administration.js';
import type { DatabaseStore } from '../redemption/ports/database-store.js';
import type { Page, PageRequest } from '../redemption/ports/page.js';
import { withFlagValue, wordsOfLine } from './completion-line.js';
import type { Listing } from './terminal/listing.js';

type Names = (flags: Flags, path: string) => Promise<readonly string[]>;

/** Time limit of a search in a store, a service or a cluster. The shell waits for it at each press of Tab. */
const LIMIT_MS = 300;
const PAGE = { limit: 500 };
// A store, a service or a cluster can return any text. A shell inserts only names that it does not expand, and that are no flags.
const SAFE_NAME = /^(?!-)[\w.:@/-]{1,253}$/;

const grants: Names = (flags) =>
  withGrants(flags, async ({ administration, namespace }) => {
    const { items } = await administration.listGrants({
      ...PAGE,
      ...(!flags.allNamespaces && { namespace }),
    });
    return items.map(({ name }) => name);
  });

const tokens: Names = (flags) =>
  withGrants(flags, async ({ administration, namespace }) => {
    const within =
      flags.grant === undefined
        ? { namespace }
        : { grantUid: (await administration.findGrant(namespace, String(flags.grant))).uid };
    return (await administration.listTokens({ ...PAGE, ...within })).items.map(({ id }) => id);
  });

const redemptions: Names = (flags) =>
  withGrants(flags, async ({ administration }) =>
    (await administration.listRedemptions(PAGE)).items.map(({ id }) => id),
  );

const namespaces: Names = (flags) =>
  withGrants({ ...flags, allNamespaces: true }, async ({ administration }) =>
    (await administration.listGrants(PAGE)).items.map(({ namespace }) => namespace),
  );

const links: Names = async (flags) => {
  const { openSiteLinks } = await import('./link/site-links.js');
  const list = async () => (await openSiteLinks(flags)).links.list();
  return (await limited(list())).map(({ name }) => name);
};

const contexts: Names = async ({ kubeconfig }) => {
  const { parse } = await import('yaml');
  const files = String(
    kubeconfig ?? commandContext().env.KUBECONFIG ?? join(homeDirectory(), '.kube', 'config'),
  );
  return files
    .split(delimiter)
    .filter((file) => existsSync(file))
    .flatMap((file) => (parse(readBoundedText(file)) as { contexts?: { name: string }[] }).contexts ?? [])
    .map(({ name }) => name);
};

const logins: Names = async () => (await import('./login/logins.js')).loginNames();

interface Name {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/** The part of an administration that finds names. */
interface NameSource {
  listGrants(page: PageRequest & { readonly namespace?: string }): Promise<Page<Name>>;
  listTokens(page: PageRequest & TokenFilter): Promise<Page<{ readonly id: string }>>;
  listRedemptions(page: PageRequest): Promise<Page<{ readonly id: string }>>;
  findGrant(namespace: string, nameOrUid: string): Promise<Pick<Name, 'uid'>>;
}

type Operation = (session: {
  readonly administration: NameSource;
  readonly namespace: string;
}) => Promise<readonly string[]>;

async function withGrants(flags: Flags, operation: Operation): Promise<readonly string[]> {
  const { configurationFrom } = await import('./session/configuration.js');
  const { settings, sources } = configurationFrom(flags);
  const { platform, server, store } = settings;
  // A configuration file that another person wrote can name a server, which would receive the password of this user.
  if (store?.kind === 'postgres' && sources.store.startsWith('file ')) return [];
  if (server === undefined && platform !== 'kubernetes') {
    const { withStore } = await import('./session/store-session.js');
    return limited(
      withStore(settings, flags, ({ store, namespace }) =>
        operation({ administration: namesInStore(store), namespace }),
      ),
    );
  }
  const { withAdministration } = await import('./session/administration-session.js');
  // Loading the Kubernetes client takes longer than the limit on a slow machine.
  if (server === undefined) await import('../compose/kubernetes/open-cluster-administration.js');
  return limited(withAdministration(flags, operation));
}

/** Reads the names from the store itself: loading the administration of a store takes longer than the search. */
function namesInStore(store: DatabaseStore): NameSource {
  return {
    listGrants: (page) => store.listGrants(page),
    async listTokens({ namespace, grantUid, limit }) {
      const { items: codes } = await store.listCodes({ limit, grantUid });
      const { items: grants } = await store.listGrants({ limit, namespace });
      const uids = new Set(grants.map(({ uid }) => uid));
      return { items: codes.filter((code) => uids.has(code.grantUid)).map(({ jti: id }) => ({ id })) };
    },
    listRedemptions: (page) => store.listRedemptions(page),
    async findGrant(namespace, nameOrUid) {
      const found = await (isUuid(nameOrUid)
        ? store.findGrant(nameOrUid)
        : store.findGrantByName(namespace, nameOrUid));
      if (found) return found;
      throw new Error('there is no such grant');
    },
  };
}

/** Resolves with the result of a search, or after the limit with an empty list. */
function limited<T>(search: Promise<readonly T[]>): Promise<readonly T[]> {
  return Promise.race([search, sleep(LIMIT_MS, [], { ref: false })]);
}

type TextColumns = Pick<Listing<never>, 'columns' | 'wide'>;

const LISTINGS: Readonly<Record<string, (flags: Flags) => Promise<TextColumns>>> = {
  'grant list': async () => (await import('./grant/grant-listing.js')).GRANT_LISTING,
  'token list': async () => (await import('./token/token-listing.js')).TOKEN_LISTING,
  'redemption list': async () => (await import('./redemption/redemption-listing.js')).REDEMPTION_LISTING,
  'ledger list': async () => (await import('./ledger/ledger-listing.js')).EVENT_LISTING,
  'link status': async () => (await import('./link/link-listing.js')).LINK_LISTING,
  'issuer list': async () => (await import('./issuer/issuer-listing.js')).CA_LISTING,
};

const sortColumns: Names = async (flags, path) => {
  const listing = await LISTINGS[path]?.(flags);
  return listing ? (await import('./terminal/listing.js')).sortNames(listing) : [];
};

/** The commands whose argument is the name of an existing resource. */
export const ARGUMENT_NAMES: Readonly<Record<string, Names>> = {
  'grant show': grants,
  'grant update': grants,
  'grant revoke': grants,
  'grant delete': grants,
  'token revoke': tokens,
  'redemption show': redemptions,
  'redemption update': redemptions,
  'redemption revoke': redemptions,
  'link status': links,
  'link check': links,
  'link update': links,
  'link renew': links,
  'link delete': links,
  login: logins,
  logout: logins,
  whoami: logins,
};

/** The flags whose value is the name of an existing resource, or of a column. */
export const FLAG_NAMES: Readonly<Record<string, Names>> = {
  '--sort-by': sortColumns,
  '--grant': grants,
  '--namespace': namespaces,
  '--context': contexts,
  '--server': logins,
};

/** Returns the command at the beginning of a line, its path, and the words after the path. */
export function commandAt(program: Command, words: readonly string[]) {
  let command = program;
  const path: string[] = [];
  for (const word of words) {
    const child = command.commands.find((one) => one.name() === word);
    if (!child) break;
    command = child;
    path.push(word);
  }
  return { command, path: path.join(' '), rest: words.slice(path.length) };
}

/** Returns the names that {@link namesFor} finds for a line that begins with the name of this program. */
export function namesForLine(program: Command, line: string) {
  const words = wordsOfLine(line, commandContext().env);
  return namesFor(program, words.slice(words.findIndex((word) => word.endsWith('linkgrant')) + 1));
}

/**
 * Returns the names that complete the last of these words, which may be a flag with the beginning of its value, `--grant=w`.
 * Returns none if the search takes longer than 300 ms or fails: a shell cannot show a message while it completes a line.
 */
export async function namesFor(program: Command, line: readonly string[]): Promise<readonly string[]> {
  const words = withFlagValue(line);
  const { command, path, rest } = commandAt(program, words.slice(0, -1));
  const last = rest.at(-1);
  const flag = command.options.find(
    ({ required, short, long }) => required && last !== undefined && (short === last || long === last),
  );
  try {
    const { operands } = command.parseOptions(flag ? rest.slice(0, -1) : [...rest]);
    const argument = operands.length === 0 ? ARGUMENT_NAMES[path] : undefined;
    const search = flag ? FLAG_NAMES[flag.long ?? ''] : argument;
    if (!search) return [];
    const found = await search(command.opts(), path);
    const current = words.at(-1) ?? '';
    return [...new Set(found)].filter((name) => SAFE_NAME.test(name) && name.startsWith(current));
  } catch {
    return [];
  }
}
