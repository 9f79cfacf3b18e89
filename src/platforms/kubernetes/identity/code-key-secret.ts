import {
  createMasterKey,
  decodeMasterKey,
  encodeMasterKey,
  type MasterKey,
} from '../../../codes/signing-keys.js';
import { AdministrationError } from '../../../domain/administration-error.js';
import { MANAGED_BY } from '../../../domain/labels.js';
import { asMapping } from '../../../files/yaml-documents.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { RotatingCodeKeys, StoredMasterKey } from '../../../redemption/ports/code-keys.js';
import { SharedRead } from '../../../time/shared-read.js';
import type { KubernetesClient } from '../api/client.js';
import { SECRETS } from '../api/kinds.js';
import type { Resource, Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';
import { translateApiError } from '../store/failures.js';

/** Name of the Secret, in the namespace of the service. */
export const CODE_KEYS = 'linkgrant-code-keys';

const ENTRY = /^([1-9]\d{0,8})\.json$/;
// Cached keys are used for this long, so a removed key is accepted for up to this long.
const FRESH_MS = 10_000;
// Anyone can send codes that name an unknown key. Without this limit each would cause a read of the Secret.
const UNKNOWN_KEY_INTERVAL_MS = 250;

interface Options {
  readonly client: Pick<KubernetesClient, 'find' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly clock: Clock;
  /** True if the first key may be created. False for a command: without a service, a token that it signs is useless. */
  readonly mayCreate: boolean;
}

interface Found {
  readonly keys: readonly StoredMasterKey[];
  /** The highest number of a key; 0 if there is none. */
  readonly highest: number;
  readonly secret: Stored<Resource> | undefined;
}

/**
 * The master keys in one Secret, each an entry `<number>.json` in the format of the data directory. The highest number signs;
 * the lower ones verify older codes. Any number of processes may use and rotate them. A removed key is rejected after at
 * most 10 s. A new key is accepted at once, or up to 250 ms later if other codes name unknown keys. Rejects with RedemptionError
 * `store_unavailable` if the API does not answer.
 */
export class CodeKeySecret implements RotatingCodeKeys {
  readonly #options: Options;
  readonly #keys = new SharedRead(() => this.#read());
  readonly #unknownKey = new SharedRead(() => this.#read(), { intervalMs: UNKNOWN_KEY_INTERVAL_MS });
  #cached: { readonly keys: readonly StoredMasterKey[]; readonly at: number } | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  async current(): Promise<MasterKey> {
    const { keys } = await this.#keys.readAfter();
    const [newest] = keys;
    return newest ?? this.#addKeyUnless((present) => present.keys[0]);
  }

  async find(kid: string): Promise<MasterKey | undefined> {
    const now = performance.now();
    const cachedKeys = this.#cached && now - this.#cached.at < FRESH_MS ? this.#cached.keys : [];
    const found = cachedKeys.find((key) => key.kid === kid);
    if (found) return found;
    const { keys } = await this.#unknownKey.readAfter(now);
    return keys.find((key) => key.kid === kid);
  }

  async list(): Promise<readonly StoredMasterKey[]> {
    return (await this.#keys.readAfter()).keys;
  }

  rotate(): Promise<MasterKey> {
    return this.#addKeyUnless(() => undefined);
  }

  async remove(kid: string): Promise<void> {
    await this.#change(({ keys, secret }) => {
      // The signing key cannot be deleted.
      if (!secret || keys[0]?.kid === kid) return undefined;
      const entries = Object.entries(entriesOf(secret));
      return Object.fromEntries(
        entries.filter(([name, value]) => !ENTRY.test(name) || this.#keyOf(name, value).kid !== kid),
      );
    });
  }

  /** Returns the present key that `select` chooses; adds a key and returns it if `select` returns undefined. */
  async #addKeyUnless(select: (present: Found) => MasterKey | undefined): Promise<MasterKey> {
    const created = createMasterKey();
    let result: MasterKey = created;
    await this.#change((found) => {
      const { namespace, mayCreate, clock } = this.#options;
      const selected = select(found);
      if (selected) {
        result = selected;
        return undefined;
      }
      if (found.keys.length === 0 && !mayCreate) {
        throw new AdministrationError(
          'signing_keys_foreign',
          `no service has created keys for signed tokens in namespace "${namespace}"`,
          { hint: 'name the namespace of the service with --service-namespace' },
        );
      }
      result = created;
      const entry = Buffer.from(`${encodeMasterKey(created, clock())}\n`).toString('base64');
      return { ...(found.secret && entriesOf(found.secret)), [`${found.highest + 1}.json`]: entry };
    });
    return result;
  }

  /** Replaces the data of the Secret with the result of `change`, unless that is undefined; retries on a write conflict. */
  async #change(change: (found: Found) => Readonly<Record<string, string>> | undefined): Promise<void> {
    const { client, namespace } = this.#options;
    const attempt = async () => {
      const found = await this.#keys.readAfter();
      const data = change(found);
      if (!data) return;
      const { secret } = found;
      const metadata = secret?.metadata ?? {
        namespace,
        name: CODE_KEYS,
        labels: { [MANAGED_BY]: 'linkgrant' },
      };
      const changed = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data };
      await (secret ? client.replace(SECRETS, changed) : client.create(SECRETS, changed));
      // Reads the changed keys into the cache.
      await this.#keys.readAfter();
    };
    try {
      await retryOnConflict(attempt);
    } catch (error) {
      throw translateApiError(error);
    }
  }

  async #read(): Promise<Found> {
    const { client, namespace } = this.#options;
    const at = performance.now();
    let secret: Stored<Resource> | undefined;
    try {
      secret = await client.find<Resource>(SECRETS, { namespace, name: CODE_KEYS });
    } catch (error) {
      throw translateApiError(error);
    }
    const numbered = Object.entries(secret ? entriesOf(secret) : {})
      .flatMap(([name, value]) => {
        const number = Number(ENTRY.exec(name)?.[1]);
        return number > 0 ? [{ number, key: this.#keyOf(name, value) }] : [];
      })
      .sort((a, b) => b.number - a.number);
    const keys = numbered.map(({ key }) => key);
    this.#cached = { keys, at };
    return { keys, highest: numbered[0]?.number ?? 0, secret };
  }

  #keyOf(name: string, value: string): StoredMasterKey {
    const text = Buffer.from(value, 'base64').toString();
    return decodeMasterKey(text, `${name} of Secret "${this.#options.namespace}/${CODE_KEYS}"`);
  }
}

function entriesOf(secret: Resource): Readonly<Record<string, string>> {
  return asMapping(secret.data) as Readonly<Record<string, string>>;
}
