import { MANAGED_BY } from '../../../domain/labels.js';
import type { StoredCode } from '../../../redemption/ports/code-store.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { CONFIG_MAPS } from '../api/kinds.js';
import type { Resource, Stored } from '../api/resource.js';
import { GRANT_UID } from './redemption-resource.js';

/** What is noted of a signed code; how often it was used follows from the slots. */
export type NotedCode = Omit<StoredCode, 'used'>;

type CodeConfigMap = Resource & { readonly data?: Readonly<Record<string, string>> };

// A ConfigMap holds 1 MiB; a code takes some 200 bytes.
const MOST_CODES = 4_000;

function nameOf(grantUid: string): string {
  return `linkgrant-codes-${grantUid}`;
}

// Keys of a ConfigMap are made of few characters, and a jti may have any.
function keyOf(jti: string): string {
  return Buffer.from(jti).toString('hex');
}

function codesOf({ data = {}, metadata }: Stored<CodeConfigMap>): NotedCode[] {
  const grantUid = metadata.labels?.[GRANT_UID] ?? '';
  return Object.values(data).map((text) => ({ ...(JSON.parse(text) as NotedCode), grantUid }));
}

// A revocation must not get lost; of the others those that end first are needed least.
function withRoom(codes: readonly NotedCode[]): readonly NotedCode[] {
  const revoked = codes.filter(({ revokedAt }) => revokedAt !== null);
  const others = codes.filter(({ revokedAt }) => revokedAt === null);
  others.sort((a, b) => b.expirationTime - a.expirationTime);
  return [...revoked, ...others.slice(0, Math.max(0, MOST_CODES - 1 - revoked.length))];
}

/** What was noted of signed codes: one ConfigMap for each grant, in the service's own namespace. */
export class CodeConfigMaps {
  readonly #client: KubernetesClient;
  readonly #namespace: string;

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  async find(grantUid: string, jti: string): Promise<NotedCode | undefined> {
    const found = await this.#find(grantUid);
    return found && codesOf(found).find((code) => code.jti === jti);
  }

  async list(grantUid: string | undefined): Promise<readonly NotedCode[]> {
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

  /** Notes what `change` makes of what is noted of a code; nothing where it makes undefined of it. Tells what it noted. */
  async note(
    grantUid: string,
    jti: string,
    change: (noted: NotedCode | undefined) => NotedCode | undefined,
  ): Promise<NotedCode | undefined> {
    for (;;) {
      const found = await this.#find(grantUid);
      const codes = found ? codesOf(found) : [];
      const code = change(codes.find((noted) => noted.jti === jti));
      if (!code) return undefined;
      const kept = withRoom(codes.filter((noted) => noted.jti !== jti));
      const configMap: CodeConfigMap = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: nameOf(grantUid),
          namespace: this.#namespace,
          labels: { [MANAGED_BY]: 'linkgrant', [GRANT_UID]: grantUid },
          ...(found && { resourceVersion: found.metadata.resourceVersion }),
        },
        data: Object.fromEntries([...kept, code].map((noted) => [keyOf(noted.jti), JSON.stringify(noted)])),
      };
      try {
        await (found
          ? this.#client.replace(CONFIG_MAPS, configMap)
          : this.#client.create(CONFIG_MAPS, configMap));
        return code;
      } catch (error) {
        if (!isApiError(error, 'conflict', 'already_exists')) throw error;
      }
    }
  }

  /** Lets go of everything that was noted for a grant. */
  async forget(grantUid: string): Promise<void> {
    await this.#client.delete(CONFIG_MAPS, { namespace: this.#namespace, name: nameOf(grantUid) });
  }

  #find(grantUid: string): Promise<Stored<CodeConfigMap> | undefined> {
    return this.#client.find<CodeConfigMap>(CONFIG_MAPS, {
      namespace: this.#namespace,
      name: nameOf(grantUid),
    });
  }
}
