import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { mayContainAccessToken } from '../../domain/access-token.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { ifExists, type UnreadableFileError } from '../../files/file-error.js';
import { syncDirectory, writePrivateFile } from '../../files/private-file.js';
import { asMapping, asMappings } from '../../files/yaml-documents.js';
import { redemptionIdIn } from '../../pki/certificate-info.js';
import { linkSecret } from '../files/link-resource.js';
import { withWriteErrors } from '../files/not-writable.js';
import {
  listResourceFiles,
  parseResources,
  type ResourceFile,
  readResources,
} from '../files/resource-files.js';
import { readSiteState } from './site-state.js';
import { type NamespaceDirectories, startedPlatform } from './skupper-home.js';

const TOKEN_FILE = /^AccessToken-/;

/** A file of the input directory with an AccessToken, and its text. */
export interface InputToken {
  readonly file: string;
  /** Empty if the file cannot be read. */
  readonly text: string;
  /** Why the file cannot be read, as the end of a sentence. */
  readonly unreadable?: string;
}

/** The failed redemption of an input token. `tokenId` identifies the token, because the file may be replaced later. */
export interface InputTokenOutcome {
  readonly tokenId: string;
  readonly at: string;
  readonly code: string;
  readonly message: string;
  /** True if every further attempt would be refused too. */
  readonly final: boolean;
}

/**
 * How the Link that the router has loaded compares with the input directory:
 * `current`: it is the same. `outdated`: the Link or its Secret differs. `renewed`: only the Secret differs, and its two
 * certificates are of the same redemption. `absent`: the router has not loaded it. `only-loaded`: the input directory does not
 * have it, because Skupper redeemed the token or the file was deleted.
 */
export type LoadedState = 'current' | 'outdated' | 'renewed' | 'absent' | 'only-loaded';

/** The state of a requesting site on Skupper's system platforms: the site itself, its loaded and its input resources. */
export class RequestingSite {
  readonly #directories: NamespaceDirectories;

  constructor(directories: NamespaceDirectories) {
    this.#directories = directories;
  }

  /** The directory into which Links and Secrets are written. */
  get inputResources(): string {
    return this.#directories.inputResources;
  }

  /** The directory of the loaded resources. A reload overwrites it. */
  get runtimeResources(): string {
    return this.#directories.runtimeResources;
  }

  /** Whether the site exists and was started. */
  state(): 'no-site' | 'not-started' | 'started' {
    const state = readSiteState(this.#directories);
    return typeof state === 'string' ? state : 'started';
  }

  /** The uid of the started site; undefined if it has none yet. */
  uid(): string | undefined {
    const state = readSiteState(this.#directories);
    return typeof state === 'string' ? undefined : (state.uid ?? undefined);
  }

  /** True for a started edge site, whose router connects to `edge` endpoints. */
  isEdge(): boolean {
    const state = readSiteState(this.#directories);
    return typeof state !== 'string' && state.isEdge;
  }

  /** The platform on which the namespace was started, by Skupper's name; undefined before the first start. */
  platform(): string | undefined {
    return startedPlatform(this.#directories);
  }

  /**
   * True if the router has loaded every Link and Secret of the input directory with their present content, and has unloaded each
   * Link of `removed` that is not in the input directory.
   */
  hasLoadedAll(removed: readonly string[]): boolean {
    const { loaded, wanted } = this.#resources();
    const isLoaded = (key: string) => !wanted.has(key) || hasSameContent(loaded.get(key), wanted.get(key));
    return (
      linksOf(wanted).every(({ name, resource }) => {
        const { tlsCredentials, settings } = asMapping(resource.spec);
        const proxy = asMapping(settings)['proxy-configuration'];
        return [`Link ${name}`, `Secret ${tlsCredentials}`, `Secret ${proxy}`].every(isLoaded);
      }) && removed.every((name) => wanted.has(`Link ${name}`) || !loaded.has(`Link ${name}`))
    );
  }

  /** The state of each Link that is loaded or in the input directory, by name. */
  loadedLinks(): ReadonlyMap<string, LoadedState> {
    const { loaded, wanted } = this.#resources();
    const stateOf = ({ name, resource }: ResourceFile): LoadedState => {
      const link = loaded.get(`Link ${name}`);
      if (!link) return 'absent';
      if (comparedContent(link.resource) !== comparedContent(resource)) return 'outdated';
      const secret = `Secret ${asMapping(resource.spec).tlsCredentials}`;
      if (hasSameContent(loaded.get(secret), wanted.get(secret))) return 'current';
      return isRenewed(loaded.get(secret), wanted.get(secret)) ? 'renewed' : 'outdated';
    };
    return new Map([
      ...linksOf(loaded).map(({ name }) => [name, 'only-loaded'] as const),
      ...linksOf(wanted).map((link) => [link.name, stateOf(link)] as const),
    ]);
  }

  #resources(): { readonly loaded: Resources; readonly wanted: Resources } {
    const { runtimeResources, inputResources } = this.#directories;
    return { loaded: resourcesIn(runtimeResources), wanted: resourcesIn(inputResources) };
  }

  /**
   * The AccessToken files of the input directory, sorted by name; none if the directory does not exist. Like Skupper, recognizes
   * them by the kind of their documents. A file named `AccessToken-…` is always one of them.
   */
  inputTokens(): InputToken[] {
    return listResourceFiles(this.#directories.inputResources).flatMap((file) => {
      const isNamed = TOKEN_FILE.test(basename(file));
      try {
        const text = readIfPresent(file);
        return text !== undefined && (isNamed || containsToken(text)) ? [{ file, text }] : [];
      } catch (error) {
        // Report an unreadable token instead of throwing, so that the others are redeemed.
        return isNamed ? [{ file, text: '', unreadable: (error as UnreadableFileError).reason }] : [];
      }
    });
  }

  /** The outcome that is stored beside a token file, or undefined. */
  findOutcome(file: string): InputTokenOutcome | undefined {
    const text = readIfPresent(outcomeFile(file));
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as InputTokenOutcome;
    } catch {
      return undefined;
    }
  }

  /** Stores an outcome in `<token file>.outcome` (0600), which Skupper does not read. */
  storeOutcome(file: string, outcome: InputTokenOutcome): void {
    const path = outcomeFile(file);
    withWriteErrors(path, () => writePrivateFile(path, `${JSON.stringify(outcome, null, 2)}\n`));
  }

  /** Deletes the file of a redeemed token if its text is unchanged, and the outcome beside it. */
  removeToken({ file, text }: InputToken): void {
    withWriteErrors(file, () => {
      rmSync(outcomeFile(file), { force: true });
      // The file may contain another token by now, which has to be redeemed too.
      if (readIfPresent(file) === text) rmSync(file, { force: true });
      syncDirectory(this.#directories.inputResources);
    });
  }
}

/** True if one of the documents is an AccessToken, or may be one in a text that only Skupper's YAML parser accepts. */
function containsToken(text: string): boolean {
  if (!mayContainAccessToken(text)) return false;
  try {
    return parseResources(text).some(({ kind }) => kind === 'AccessToken');
  } catch {
    return true;
  }
}

function outcomeFile(file: string): string {
  return `${file}.outcome`;
}

function readIfPresent(file: string): string | undefined {
  return ifExists(() => readBoundedText(file));
}

/** The Links and Secrets of a directory, by `<kind> <name>`; the last one of each key. */
type Resources = ReadonlyMap<string, ResourceFile>;

function resourcesIn(directory: string): Resources {
  const found = readResources(directory, ['Link', 'Secret']);
  return new Map(found.map((file) => [`${file.kind} ${file.name}`, file]));
}

function linksOf(resources: Resources): ResourceFile[] {
  return [...resources.values()].filter(({ kind }) => kind === 'Link');
}

function hasSameContent(one: ResourceFile | undefined, other: ResourceFile | undefined): boolean {
  return one && other ? comparedContent(one.resource) === comparedContent(other.resource) : one === other;
}

/** True if two Secrets have different certificates of the same redemption. */
function isRenewed(loaded: ResourceFile | undefined, wanted: ResourceFile | undefined): boolean {
  if (!loaded || !wanted) return false;
  const before = linkSecret(loaded.resource).tlsCrt;
  const after = linkSecret(wanted.resource).tlsCrt;
  const id = redemptionIdIn(after);
  return before !== after && id !== undefined && redemptionIdIn(before) === id;
}

/** The content of a Link or Secret, without the fields that Skupper adds. */
function comparedContent(resource: Readonly<Record<string, unknown>>): string {
  const spec = asMapping(resource.spec);
  const data = asMapping(resource.data);
  const cost = spec.cost === undefined || spec.cost === 0 ? 1 : spec.cost;
  return JSON.stringify([
    ['ca.crt', 'tls.crt', 'tls.key', 'host', 'port', 'username', 'password'].map((key) => data[key] ?? null),
    spec.tlsCredentials ?? null,
    resource.kind === 'Link' ? cost : null,
    asMapping(spec.settings)['proxy-configuration'] ?? null,
    spec.routingKeys ?? null,
    asMappings(spec.endpoints)
      .map(({ group, host, name, port }) => JSON.stringify([group, host, name, String(port)]))
      .sort(),
  ]);
}
