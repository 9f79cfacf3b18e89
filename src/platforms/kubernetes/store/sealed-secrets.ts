import { MANAGED_BY } from '../../../domain/labels.js';
import type { Redemption } from '../../../domain/redemption.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SECRETS } from '../api/kinds.js';
import type { Resource, Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';

/** Label of the Secrets with sealed answers. */
export const SEALED = 'linkgrant.dev/sealed-answer';
// The names of the Secrets are fixed, so that a Role can name each, and the service needs no permission to list or delete
// Secrets. With sixteen Secrets, writes rarely conflict, and the keys of some 40,000 redemptions fit.
const DIGITS = '0123456789abcdef';

type SealedSecret = Resource & { readonly type: string; readonly data?: Readonly<Record<string, string>> };

/**
 * Private keys for repeated requests, encrypted under their code. Each is an entry `<redemption id>.<until>` of one of sixteen
 * Secrets, and is erased at `until`, in milliseconds since the epoch. The Secrets are in the service's own namespace, because
 * tenants can read Redemptions.
 */
export class SealedSecrets {
  readonly #client: KubernetesClient;
  readonly #namespace: string;

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** Stores the sealed answer of a redemption that is about to be recorded, if it has one. */
  async store({ id, sealedAnswer, sealedUntil }: Redemption): Promise<void> {
    if (sealedAnswer === null || sealedUntil === null) return;
    const data = { [`${id}.${sealedUntil}`]: Buffer.from(sealedAnswer).toString('base64') };
    await retryOnConflict(async () => {
      try {
        await this.#patch(id, data);
      } catch (error) {
        if (!isApiError(error, 'not_found')) throw error;
        await this.#create(id, data);
      }
    });
  }

  /** Erases the sealed answer of a redemption, if it has one. */
  async erase({ id, sealedUntil }: Pick<Redemption, 'id' | 'sealedUntil'>): Promise<void> {
    if (sealedUntil !== null) await this.#removeKeys(id, [`${id}.${sealedUntil}`]);
  }

  /** Returns the redemption with its sealed answer, unless that was erased. */
  async withSealedAnswer(redemption: Redemption): Promise<Redemption> {
    if (redemption.sealedUntil === null) return redemption;
    const { data = {} } = (await this.#secretOf(redemption.id)) ?? {};
    const [, text] = Object.entries(data).find(([key]) => key.startsWith(`${redemption.id}.`)) ?? [];
    if (text === undefined) return { ...redemption, sealedUntil: null };
    return { ...redemption, sealedAnswer: new Uint8Array(Buffer.from(text, 'base64')) };
  }

  /** Erases the entries that have expired at `now`; returns their number. */
  async eraseExpired(now: number): Promise<number> {
    const erased = [...DIGITS].map(async (digit) => {
      const { data = {} } = (await this.#secretOf(digit)) ?? {};
      const expired = Object.keys(data).filter((key) => untilOf(key) <= now);
      if (expired.length > 0) await this.#removeKeys(digit, expired);
      return expired.length;
    });
    return (await Promise.all(erased)).reduce((sum, count) => sum + count, 0);
  }

  async #removeKeys(id: string, keys: readonly string[]): Promise<void> {
    const data = Object.fromEntries(keys.map((key) => [key, null]));
    try {
      await retryOnConflict(() => this.#patch(id, data));
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
    }
  }

  #patch(id: string, data: Readonly<Record<string, string | null>>): Promise<unknown> {
    return this.#client.patch(SECRETS, this.#secretKey(id), { data });
  }

  async #create(id: string, data: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { ...this.#secretKey(id), labels: { [MANAGED_BY]: 'linkgrant', [SEALED]: 'true' } };
    const secret: SealedSecret = { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data };
    await this.#client.create(SECRETS, secret);
  }

  #secretOf(id: string): Promise<Stored<SealedSecret> | undefined> {
    return this.#client.find<SealedSecret>(SECRETS, this.#secretKey(id));
  }

  #secretKey(id: string) {
    return { namespace: this.#namespace, name: `linkgrant-sealed-${id.charAt(0)}` };
  }
}

/** When the entry with this key is erased; NaN for a key that the service did not write, so that its entry stays. */
function untilOf(key: string): number {
  return Number(key.split('.')[1]);
}
