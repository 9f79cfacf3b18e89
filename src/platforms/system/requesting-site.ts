import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { syncDirectory, writePrivateFile } from '../../files/private-file.js';
import { asMapping } from '../../files/yaml-documents.js';
import { writing } from '../files/not-writable.js';
import { readResources } from './resource-files.js';
import { readSiteState } from './site-state.js';
import type { NamespaceDirectories } from './skupper-home.js';

const TOKEN_FILE = /^AccessToken-.+\.ya?ml$/;

/** A file of the input directory that holds an AccessToken, with its text. */
export interface InputToken {
  readonly file: string;
  readonly text: string;
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
    try {
      const text = readFileSync(
        join(this.#directories.inputResources, '../../internal/platform.yaml'),
        'utf8',
      );
      const { platform } = asMapping(parseYaml(text, { maxAliasCount: 0 }));
      return typeof platform === 'string' ? platform : undefined;
    } catch {
      return undefined;
    }
  }

  /** True when the router was given these files as they are: each resource is in the runtime state with the same content. */
  hasLoaded(files: readonly string[]): boolean {
    const loaded = new Map(
      readResources(this.#directories.runtimeResources, ['Link', 'Secret']).map((found) => [
        `${found.kind} ${found.name}`,
        contentOf(found.resource),
      ]),
    );
    const wanted = readResources(this.#directories.inputResources, ['Link', 'Secret']).filter(({ file }) =>
      files.includes(file),
    );
    return (
      wanted.length > 0 &&
      wanted.every(({ kind, name, resource }) => loaded.get(`${kind} ${name}`) === contentOf(resource))
    );
  }

  /** The AccessToken files of the input directory, by name; none where there is no such directory. */
  inputTokens(): InputToken[] {
    const directory = this.#directories.inputResources;
    return namesIn(directory).flatMap((name) => {
      const file = join(directory, name);
      const text = TOKEN_FILE.test(name) ? readIfThere(file) : undefined;
      return text === undefined ? [] : [{ file, text }];
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

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
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
