import { MANAGED_BY } from '../../../domain/labels.js';
import type { StoredCode } from '../../../redemption/ports/code-store.js';
import type { KubernetesClient } from '../api/client.js';
import { createOrUpdate } from '../api/create-or-update.js';
import { CONFIG_MAPS } from '../api/kinds.js';
import type { Resource, Stored } from '../api/resource.js';
import { GRANT_UID } from './redemption-resource.js';

/** The stored record of a signed code. Its uses are counted from the slots. */
export type StoredCodeRecord = Omit<StoredCode, 'used'>;

type CodeConfigMap = Resource & { readonly data?: Readonly<Record<string, string>> };

// A ConfigMap holds 1 MiB; a code takes some 200 bytes.
const MAX_CODES = 4_000;

// A jti may have characters that a ConfigMap key does not allow.
function keyOf(jti: string): string {
  return Buffer.from(jti).toString('hex');
}

function codesOf({ data = {}, metadata }: Stored<CodeConfigMap>): StoredCodeRecord[] {
  const grantUid = metadata.labels?.[GRANT_UID] ?? '';
  return Object.values(data).map((text) => ({ ...(JSON.parse(text) as StoredCodeRecord), grantUid }));
}

// Revoked codes are always retained. Of the others, those that expire first are dropped.
function withRoom(codes: readonly StoredCodeRecord[]): readonly StoredCodeRecord[] {
  const revoked = codes.filter(({ revokedAt }) => revokedAt !== null);
  const others = codes.filter(({ revokedAt }) => revokedAt === null);
  others.sort((a, b) => b.expirationTime - a.expirationTime);
  return [...revoked, ...others.slice(0, Math.max(0, MAX_CODES - 1 - revoked.length))];
}

/** The records of signed codes: one ConfigMap for each grant, in the service's own namespace. */
export class CodeConfigMaps {
  readonly #client: KubernetesClient;
  readonly #namespace: string;

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** The record of a code; undefined if none is stored. */
  async find(grantUid: string, jti: string): Promise<StoredCodeRecord | undefined> {
    const found = await this.#find(grantUid);
    return found && codesOf(found).find((code) => code.jti === jti);
  }

  async list(grantUid: string | undefined): Promise<readonly StoredCodeRecord[]> {
    if (grantUid !== undefined) {
      const found = await this.#find(grantUid);
      return found ? codesOf(found) : [];
    }
    const { items } = await this.#client.listAll<CodeConfigMap>(CONFIG_MAPS, {
      namespace: this.#namespace,
      labelSelector: GRANT_UID,
    });
    return items.flatMap(codesOf);
  }

  /**
   * Applies `change` to the stored record of a code and stores the result; stores nothing if it returns undefined. Returns
   * what was stored.
   */
  async update(
    grantUid: string,
    jti: string,
    change: (stored: StoredCodeRecord | undefined) => StoredCodeRecord | undefined,
  ): Promise<StoredCodeRecord | undefined> {
    const key = this.#configMapKey(grantUid);
    let code: StoredCodeRecord | undefined;
    await createOrUpdate<CodeConfigMap>(this.#client, CONFIG_MAPS, key, (found) => {
      const codes = found ? codesOf(found) : [];
      code = change(codes.find((stored) => stored.jti === jti));
      if (!code) return undefined;
      const retained = withRoom(codes.filter((stored) => stored.jti !== jti));
      const entries = [...retained, code].map((stored) => [keyOf(stored.jti), JSON.stringify(stored)]);
      const labels = { [MANAGED_BY]: 'linkgrant', [GRANT_UID]: grantUid };
      const metadata = { ...key, labels };
      return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: Object.fromEntries(entries) };
    });
    return code;
  }

  async forget(grantUid: string): Promise<void> {
    await this.#client.delete(CONFIG_MAPS, this.#configMapKey(grantUid));
  }

  #find(grantUid: string): Promise<Stored<CodeConfigMap> | undefined> {
    return this.#client.find<CodeConfigMap>(CONFIG_MAPS, this.#configMapKey(grantUid));
  }

  #configMapKey(grantUid: string) {
    return { namespace: this.#namespace, name: `linkgrant-codes-${grantUid}` };
  }
}
