import { MANAGED_BY } from '../../../domain/labels.js';
import type { Redemption } from '../../../domain/redemption.js';
import type { StoredOutcome } from '../../../redemption/ports/outcome-store.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { SECRETS } from '../api/kinds.js';
import type { Resource, Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';

/** Label of the Secrets whose values expire. */
export const SEALED = 'linkgrant.dev/sealed-answer';
// The names of the Secrets are fixed, so that a Role can name each, and the service needs no permission to list or delete
// Secrets. With sixteen, each is small and writes rarely conflict; together they hold the keys of some 40,000 redemptions.
const DIGITS = '0123456789abcdef';

type SealedSecret = Resource & { readonly type: string; readonly data?: Readonly<Record<string, string>> };

/** A value and the time of its erasure, milliseconds since the epoch; `id` begins with a hex digit. */
interface SealedEntry {
  readonly id: string;
  readonly until: number;
  readonly value: Uint8Array;
}

/**
 * Values that expire: private keys for repeated requests, encrypted under their code, and outcomes. Each is an entry
 * `<id>.<until>` of one of sixteen Secrets in the service's own namespace, because tenants can read Redemptions.
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
    const data = { [keyOf({ id, until: sealedUntil })]: encode(sealedAnswer) };
    await retryOnConflict(async () => {
      try {
        await this.#patch(id, data);
      } catch (error) {
        if (!isApiError(error, 'not_found')) throw error;
        await this.#create(id, data);
      }
    });
  }

  async forget({ id, sealedUntil }: Pick<Redemption, 'id' | 'sealedUntil'>): Promise<void> {
    if (sealedUntil !== null) await this.#removeKeys(id, [keyOf({ id, until: sealedUntil })]);
  }

  /** Returns the redemption with its sealed answer, unless that was erased. */
  async withSealedAnswer(redemption: Redemption): Promise<Redemption> {
    if (redemption.sealedUntil === null) return redemption;
    const entry = entryOf(await this.#secretOf(redemption.id), redemption.id);
    return entry ? { ...redemption, sealedAnswer: entry.value } : { ...redemption, sealedUntil: null };
  }

  /** Implements OutcomeStore.claimOutcome. */
  async claimOutcome(outcome: StoredOutcome, now: number): Promise<StoredOutcome> {
    const { id, sealed, until, ...rest } = outcome;
    const text = JSON.stringify({ ...rest, sealed: encode(sealed) });
    const stored = await this.#claim({ id, until, value: Buffer.from(text) }, now);
    const read = JSON.parse(Buffer.from(stored.value).toString()) as typeof rest & {
      readonly sealed: string;
    };
    const bytes = new Uint8Array(Buffer.from(read.sealed, 'base64'));
    return { ...read, id: stored.id, until: stored.until, sealed: bytes };
  }

  /** Erases the entries that have expired at `now`; returns their number. */
  async erase(now: number): Promise<number> {
    const erased = [...DIGITS].map(async (digit) => {
      const { data = {} } = (await this.#secretOf(digit)) ?? {};
      const expired = Object.keys(data).filter((key) => untilOf(key) <= now);
      if (expired.length > 0) await this.#removeKeys(digit, expired);
      return expired.length;
    });
    return (await Promise.all(erased)).reduce((sum, count) => sum + count, 0);
  }

  /** Stores an entry unless one with its id is valid at `now`; returns the stored entry. */
  async #claim(entry: SealedEntry, now: number): Promise<SealedEntry> {
    const added = { [keyOf(entry)]: encode(entry.value) };
    const attempt = async () => {
      const secret = await this.#secretOf(entry.id);
      if (!secret) {
        await this.#create(entry.id, added);
        return entry;
      }
      const found = entryOf(secret, entry.id);
      if (found && found.until > now) return found;
      const { uid, resourceVersion } = secret.metadata;
      const expired = found ? { [keyOf(found)]: null } : {};
      await this.#patch(entry.id, { ...expired, ...added }, { uid, resourceVersion });
      return entry;
    };
    // The Secret may be deleted between the read and the write.
    return retryOnConflict(attempt, (error) => isApiError(error, 'not_found'));
  }

  async #removeKeys(id: string, keys: readonly string[]): Promise<void> {
    const data = Object.fromEntries(keys.map((key) => [key, null]));
    try {
      await retryOnConflict(() => this.#patch(id, data));
    } catch (error) {
      if (!isApiError(error, 'not_found')) throw error;
    }
  }

  #patch(id: string, data: Readonly<Record<string, string | null>>, metadata: object = {}): Promise<unknown> {
    return this.#client.patch(SECRETS, this.#secretKey(id), { metadata, data });
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

function keyOf({ id, until }: Pick<SealedEntry, 'id' | 'until'>): string {
  return `${id}.${until}`;
}

/** When the entry of a key is erased; NaN for a key in another form, which is therefore never erased. */
function untilOf(key: string): number {
  return Number(key.split('.')[1]);
}

function entryOf(secret: Stored<SealedSecret> | undefined, id: string): SealedEntry | undefined {
  const [key, text] = Object.entries(secret?.data ?? {}).find(([one]) => one.startsWith(`${id}.`)) ?? [];
  if (key === undefined || text === undefined) return undefined;
  return { id, until: untilOf(key), value: new Uint8Array(Buffer.from(text, 'base64')) };
}

function encode(value: Uint8Array): string {
  return Buffer.from(value).toString('base64');
}
