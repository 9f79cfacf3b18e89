import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readBoundedText } from '../../files/bounded-text.js';
import { namesIn } from '../../files/directory-names.js';
import type { UnreadableFileError } from '../../files/file-error.js';
import { syncDirectory, writePrivateFile } from '../../files/private-file.js';
import { asMapping } from '../../files/yaml-documents.js';
import { redemptionIdIn } from '../../pki/certificate-info.js';
import { writing } from '../files/not-writable.js';
import { readResources } from './resource-files.js';
import { readSiteState } from './site-state.js';
import type { NamespaceDirectories } from './skupper-home.js';
import { startedPlatform } from './started-platform.js';

const TOKEN_FILE = /^AccessToken-.+\.ya?ml$/;

/** A file of the input directory that holds an AccessToken, with its text. */
export interface InputToken {
  readonly file: string;
  /** Empty when it cannot be read. */
  readonly text: string;
  /** Why it cannot be read, as the end of a sentence. */
  readonly unreadable?: string;
}

/** How the redemption of an input token ended badly; `tokenId` tells apart what the file may hold later. */
export interface InputTokenOutcome {
  readonly tokenId: string;
  readonly at: string;
  readonly code: string;
  readonly message: string;
  /** True when posting the code again can only be refused again. */
  readonly final: boolean;
}

/**
 * What the router has of a Link: it as the input directory has it, it or its Secret otherwise than there, that only with an
 * earlier certificate of the same redemption, nothing yet, or one that the input directory does not have (any more), because Skupper redeemed it or its file was removed.
 */
export type LoadedState = 'current' | 'outdated' | 'renewed' | 'absent' | 'only-loaded';

/** The requesting side of a site of Skupper's system platforms: what it is, has loaded, and holds in its input. */
export class RequestingSite {
  readonly #directories: NamespaceDirectories;

  constructor(directories: NamespaceDirectories) {
    this.#directories = directories;
  }

  /** Where Links and Secrets go. */
  get inputResources(): string {
    return this.#directories.inputResources;
  }

  /** Where what the router was given stands; what is written there is lost at the next reload. */
  get runtimeResources(): string {
    return this.#directories.runtimeResources;
  }

  /** Whether there is a site, and whether it has been started. */
  state(): 'no-site' | 'not-started' | 'started' {
    const state = readSiteState(this.#directories);
    return typeof state === 'string' ? state : 'started';
  }

  /** The started site's uid; undefined where there is none yet. */
  uid(): string | undefined {
    const state = readSiteState(this.#directories);
    return typeof state === 'string' ? undefined : (state.uid ?? undefined);
  }

  /** True for a started site that is an edge site: its router connects to `edge` endpoints. */
  isEdge(): boolean {
    const state = readSiteState(this.#directories);
    return typeof state !== 'string' && state.edge;
  }

  /** The platform that the namespace was started on, in Skupper's word; undefined before its first start. */
  platform(): string | undefined {
    return startedPlatform(this.#directories);
  }

  /**
   * True when the router was given every Link of the input directory, with the Secrets that it names, as they are there, and
   * has no Link of the `removed` names that the input directory has no more.
   */
  hasLoadedAll(removed: readonly string[]): boolean {
    const loaded = contentsIn(this.#directories.runtimeResources);
    const wanted = contentsIn(this.#directories.inputResources);
    const isLoaded = (key: string) => !wanted.has(key) || loaded.get(key) === wanted.get(key);
    return (
      readResources(this.#directories.inputResources, ['Link']).every(({ name, resource }) => {
        const { tlsCredentials, settings } = asMapping(resource.spec);
        const proxy = asMapping(settings)['proxy-configuration'];
        return [`Link ${name}`, `Secret ${tlsCredentials}`, `Secret ${proxy}`].every(isLoaded);
      }) && removed.every((name) => wanted.has(`Link ${name}`) || !loaded.has(`Link ${name}`))
    );
  }

  /** What the router has, by the name of the Link. */
  loadedLinks(): ReadonlyMap<string, LoadedState> {
    const loaded = contentsIn(this.#directories.runtimeResources);
    const wanted = contentsIn(this.#directories.inputResources);
    const states = new Map<string, LoadedState>();
    for (const { name } of readResources(this.#directories.runtimeResources, ['Link'])) {
      states.set(name, 'only-loaded');
    }
    for (const { name, resource } of readResources(this.#directories.inputResources, ['Link'])) {
      const secret = String(asMapping(resource.spec).tlsCredentials);
      const isLoaded = (key: string) => loaded.get(key) === wanted.get(key);
      if (!states.has(name)) states.set(name, 'absent');
      else if (!isLoaded(`Link ${name}`)) states.set(name, 'outdated');
      else if (isLoaded(`Secret ${secret}`)) states.set(name, 'current');
      else states.set(name, this.#isRenewed(secret) ? 'renewed' : 'outdated');
    }
    return states;
  }

  /** True when the router has another certificate of the redemption that the Secret in the input is of. */
  #isRenewed(secret: string): boolean {
    const { runtimeResources, inputResources } = this.#directories;
    const [loaded, wanted] = [runtimeResources, inputResources].map((at) => certificateIn(at, secret));
    if (loaded === undefined || wanted === undefined || loaded === wanted) return false;
    const id = redemptionIdIn(wanted);
    return id !== undefined && redemptionIdIn(loaded) === id;
  }

  /** True when the router has a Link of none of these names. */
  hasDropped(links: readonly string[]): boolean {
    return readResources(this.#directories.runtimeResources, ['Link']).every(
      ({ name }) => !links.includes(name),
    );
  }

  /** The AccessToken files of the input directory, by name; none where there is no such directory. */
  inputTokens(): InputToken[] {
    const directory = this.#directories.inputResources;
    return namesIn(directory).flatMap((name) => {
      const file = join(directory, name);
      try {
        const text = TOKEN_FILE.test(name) ? readIfThere(file) : undefined;
        return text === undefined ? [] : [{ file, text }];
      } catch (error) {
        // One bad file is not to keep the others from being redeemed.
        return [{ file, text: '', unreadable: (error as UnreadableFileError).reason }];
      }
    });
  }

  /** The outcome that was kept beside a token file, or undefined. */
  findOutcome(file: string): InputTokenOutcome | undefined {
    const text = readIfThere(outcomeFile(file));
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as InputTokenOutcome;
    } catch {
      return undefined;
    }
  }

  /** Keeps an outcome in `<token file>.outcome` (0600), which Skupper does not read. */
  keepOutcome(file: string, outcome: InputTokenOutcome): void {
    const path = outcomeFile(file);
    writing(path, () => writePrivateFile(path, `${JSON.stringify(outcome, null, 2)}\n`));
  }

  /** Removes a token file whose Link is in place, if it still holds `text`, and the outcome beside it. */
  removeToken({ file, text }: InputToken): void {
    writing(file, () => {
      rmSync(outcomeFile(file), { force: true });
      // Another token may have been put there meanwhile, which is to be redeemed too.
      if (readIfThere(file) === text) rmSync(file, { force: true });
      syncDirectory(this.#directories.inputResources);
    });
  }
}

function outcomeFile(file: string): string {
  return `${file}.outcome`;
}

function readIfThere(file: string): string | undefined {
  try {
    return readBoundedText(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The content of each Link and Secret of a directory, by its kind and name. */
function contentsIn(directory: string): ReadonlyMap<string, string> {
  return new Map(
    readResources(directory, ['Link', 'Secret']).map(({ kind, name, resource }) => [
      `${kind} ${name}`,
      contentOf(resource),
    ]),
  );
}

/** PEM of the certificate in a Secret of a directory. */
function certificateIn(directory: string, secret: string): string | undefined {
  const found = readResources(directory, ['Secret']).find(({ name }) => name === secret);
  const encoded = asMapping(found?.resource.data)['tls.crt'];
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString('utf8') : undefined;
}

/** What a Link or a Secret says, whatever else Skupper notes on it. */
function contentOf(resource: Readonly<Record<string, unknown>>): string {
  const spec = asMapping(resource.spec);
  const data = asMapping(resource.data);
  const cost = spec.cost === undefined || spec.cost === 0 ? 1 : spec.cost;
  return JSON.stringify([
    ['ca.crt', 'tls.crt', 'tls.key', 'host', 'port', 'username', 'password'].map((key) => data[key] ?? null),
    spec.tlsCredentials ?? null,
    resource.kind === 'Link' ? cost : null,
    asMapping(spec.settings)['proxy-configuration'] ?? null,
    (Array.isArray(spec.endpoints) ? spec.endpoints : [])
      .map(asMapping)
      .map(({ group, host, name, port }) => JSON.stringify([group, host, name, String(port)]))
      .sort(),
  ]);
}
