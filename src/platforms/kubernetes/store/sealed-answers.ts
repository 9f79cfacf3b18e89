import { MANAGED_BY } from '../../../domain/labels.js';
import type { Redemption } from '../../../domain/redemption.js';
import { timeOf, timestamp } from '../access-grant-resource.js';
import { isApiError } from '../api-error.js';
import type { KubernetesClient } from '../client.js';
import { SECRETS } from '../kinds.js';
import { readListing } from '../list-page.js';
import type { Resource } from '../resource.js';

/** Label of the Secrets that hold what is erased in time. */
export const SEALED = 'linkgrant.dev/sealed-answer';
/** Annotation of such a Secret: when it is erased, RFC 3339. */
export const SEALED_UNTIL = 'linkgrant.dev/sealed-until';

/** A Secret with one sealed value. */
export type SealedSecret = Resource & {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
};

function nameOf(redemptionId: string): string {
  return `linkgrant-sealed-${redemptionId}`;
}

/**
 * Private keys that may be handed out again, encrypted under their code: Secrets of the service's own namespace, since no
 * Redemption may hold them, which others read.
 */
export class SealedAnswers {
  readonly #client: KubernetesClient;
  readonly #namespace: string;

  constructor(client: KubernetesClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** Keeps the sealed answer of a redemption that is about to be recorded, if it has one. */
  async keep({ id, sealedAnswer, sealedUntil }: Redemption): Promise<void> {
    if (sealedAnswer === null || sealedUntil === null) return;
    const secret: SealedSecret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        name: nameOf(id),
        namespace: this.#namespace,
        labels: { [MANAGED_BY]: 'linkgrant', [SEALED]: 'true' },
        annotations: { [SEALED_UNTIL]: timestamp(sealedUntil) },
      },
      data: { answer: Buffer.from(sealedAnswer).toString('base64') },
    };
    try {
      await this.#client.create(SECRETS, secret);
    } catch (error) {
      // The same redemption is recorded again.
      if (!isApiError(error, 'already_exists')) throw error;
    }
  }

  /** Erases what was kept for a redemption. */
  async forget({ id, sealedUntil }: Pick<Redemption, 'id' | 'sealedUntil'>): Promise<void> {
    if (sealedUntil === null) return;
    await this.#client.delete(SECRETS, { namespace: this.#namespace, name: nameOf(id) });
  }

  /** The redemption with its sealed answer, as far as that is kept still. */
  async joined(redemption: Redemption): Promise<Redemption> {
    const { id, sealedUntil } = redemption;
    if (sealedUntil === null) return redemption;
    const secret = await this.#client.find<SealedSecret>(SECRETS, {
      namespace: this.#namespace,
      name: nameOf(id),
    });
    const answer = secret?.data.answer;
    if (answer === undefined) return { ...redemption, sealedUntil: null };
    return { ...redemption, sealedAnswer: new Uint8Array(Buffer.from(answer, 'base64')) };
  }

  /** Erases what may be handed out no more at `now`; tells how many. */
  async erase(now: number): Promise<number> {
    const selection = { kind: SECRETS, namespace: this.#namespace, labelSelector: `${SEALED}=true` };
    const { items } = await readListing(this.#client, selection, ({ metadata }) => ({
      key: { namespace: metadata.namespace, name: metadata.name },
      until: timeOf(metadata.annotations?.[SEALED_UNTIL]) ?? 0,
    }));
    const over = items.filter(({ until }) => until <= now);
    const erased = await Promise.all(over.map(({ key }) => this.#client.delete(SECRETS, key)));
    return erased.filter(Boolean).length;
  }
}
