import type { Redemption } from '../../../domain/redemption.js';
import type { KubernetesClient } from '../api/client.js';
import { SealedSecrets } from './sealed-secrets.js';

/**
 * Private keys for repeated requests, encrypted under their code, in Secrets of the service's own namespace because tenants
 * can read Redemptions.
 */
export class SealedAnswers {
  readonly #secrets: SealedSecrets;

  constructor(client: KubernetesClient, namespace: string) {
    this.#secrets = new SealedSecrets(client, namespace);
  }

  /** Stores the sealed answer of a redemption that is about to be recorded, if it has one. */
  async keep({ id, sealedAnswer, sealedUntil }: Redemption): Promise<void> {
    if (sealedAnswer === null || sealedUntil === null) return;
    await this.#secrets.put({ id, until: sealedUntil, value: sealedAnswer });
  }

  /** Erases what was stored for a redemption. */
  async forget({ id, sealedUntil }: Pick<Redemption, 'id' | 'sealedUntil'>): Promise<void> {
    if (sealedUntil !== null) await this.#secrets.remove({ id, until: sealedUntil });
  }

  /** The redemption with its sealed answer, unless that was erased. */
  async joined(redemption: Redemption): Promise<Redemption> {
    if (redemption.sealedUntil === null) return redemption;
    const entry = await this.#secrets.find(redemption.id);
    return entry ? { ...redemption, sealedAnswer: entry.value } : { ...redemption, sealedUntil: null };
  }

  /** Erases the answers that have expired at `now`; returns their number. */
  erase(now: number): Promise<number> {
    return this.#secrets.erase(now);
  }
}
