import { MANAGED_BY } from '../../../domain/labels.js';
import type { StoredCode } from '../../../redemption/ports/code-store.js';
import type { KubernetesClient } from '../api/client.js';
import { CONFIG_MAPS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import type { Resource, Stored } from '../api/resource.js';
import { retryOnConflict } from '../api/retry.js';
import { GRANT_UID } from './redemption-resource.js';

/** The stored record of a signed code. Its uses are counted from the slots. */
export interface StoredCodeRecord extends Omit<StoredCode, 'used'> {
  /** The user whose command revoked it. */
  readonly revokedBy?: string;
}

type CodeConfigMap = Resource & { readonly data?: Readonly<Record<string, string>> };

// A ConfigMap holds 1 MiB; a code takes some 200 bytes.
const MAX_CODES = 4_000;

// A jti may have characters that a ConfigMap key does not allow.
function dataKey(jti: string): string {
  return Buffer.from(jti).toString('hex');
}

function codeOf({ metadata }: Stored<CodeConfigMap>, text: string): StoredCodeRecord {
  const grantUid = metadata.labels?.[GRANT_UID] ?? '';
  return { ...(JSON.parse(text) as StoredCodeRecord), grantUid };
}

function codesOf(configMap: Stored<CodeConfigMap>): StoredCodeRecord[] {
  return Object.values(configMap.data ?? {}).map((text) => codeOf(configMap, text));
}

/** Returns the record of one code. Does not parse the others, because a redemption reads it several times. */
function findCode(configMap: Stored<CodeConfigMap>, jti: string): StoredCodeRecord | undefined {
  const text = configMap.data?.[dataKey(jti)];
  return text === undefined ? undefined : codeOf(configMap, text);
}

/**
 * Returns the removals that make room for a code, unless it is stored, as a merge patch of the data. Revoked codes are always
 * retained. Of the others, those that expire first are removed.
 */
function removalsFor(jti: string, configMap: Stored<CodeConfigMap>): Record<string, null> {
  const { data = {} } = configMap;
  const excess = Object.keys(data).length + 1 - MAX_CODES;
  if (excess <= 0 || dataKey(jti) in data) return {};
  const removable = codesOf(configMap).filter(({ revokedAt }) => revokedAt === null);
  removable.sort((a, b) => a.expirationTime - b.expirationTime);
  return Object.fromEntries(removable.slice(0, excess).map(({ jti }) => [dataKey(jti), null]));
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
    return found && findCode(found, jti);
  }

  async list(grantUid: string | undefined): Promise<readonly StoredCodeRecord[]> {
    if (grantUid !== undefined) {
      const found = await this.#find(grantUid);
      return found ? codesOf(found) : [];
    }
    const listed = { kind: CONFIG_MAPS, namespace: this.#namespace, labelSelector: GRANT_UID };
    return (await readListing(this.#client, listed, codesOf)).items.flat();
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
    return retryOnConflict(async () => {
      const found = await this.#find(grantUid);
      const code = change(found && findCode(found, jti));
      if (code) await this.#write(grantUid, code, found);
      return code;
    });
  }

  /** Writes the entry of one code into the ConfigMap that was read. Rejects with ApiError if it was changed meanwhile. */
  async #write(
    grantUid: string,
    code: StoredCodeRecord,
    found: Stored<CodeConfigMap> | undefined,
  ): Promise<void> {
    const key = this.#configMapKey(grantUid);
    const data = { [dataKey(code.jti)]: JSON.stringify(code) };
    if (!found) {
      const metadata = { ...key, labels: { [MANAGED_BY]: 'linkgrant', [GRANT_UID]: grantUid } };
      await this.#client.create<CodeConfigMap>(CONFIG_MAPS, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata,
        data,
      });
      return;
    }
    const { uid, resourceVersion } = found.metadata;
    await this.#client.patch(CONFIG_MAPS, key, {
      metadata: { uid, resourceVersion },
      data: { ...removalsFor(code.jti, found), ...data },
    });
  }

  /** Deletes the records of all codes of a grant. */
  async remove(grantUid: string): Promise<void> {
    await this.#client.delete(CONFIG_MAPS, this.#configMapKey(grantUid));
  }

  #find(grantUid: string): Promise<Stored<CodeConfigMap> | undefined> {
    return this.#client.find<CodeConfigMap>(CONFIG_MAPS, this.#configMapKey(grantUid));
  }

  #configMapKey(grantUid: string) {
    return { namespace: this.#namespace, name: `linkgrant-codes-${grantUid}` };
  }
}
