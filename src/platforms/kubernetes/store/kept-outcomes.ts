import { MANAGED_BY } from '../../../domain/labels.js';
import type { KeptOutcome } from '../../../redemption/outcome-store.js';
import { timestamp } from '../access-grant-resource.js';
import { isApiError } from '../api-error.js';
import type { KubernetesClient } from '../client.js';
import { SECRETS } from '../kinds.js';
import type { Stored } from '../resource.js';
import { SEALED, SEALED_UNTIL, type SealedSecret } from './sealed-answers.js';

function secretOf(outcome: KeptOutcome, namespace: string): SealedSecret {
  const { id, sealed, until, ...rest } = outcome;
  const answer = JSON.stringify({ ...rest, sealed: Buffer.from(sealed).toString('base64'), until });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: {
      name: `linkgrant-outcome-${id}`,
      namespace,
      // They are erased with the sealed answers.
      labels: { [MANAGED_BY]: 'linkgrant', [SEALED]: 'true' },
      annotations: { [SEALED_UNTIL]: timestamp(until) },
    },
    data: { answer: Buffer.from(answer).toString('base64') },
  };
}

function outcomeOf(id: string, { data }: Stored<SealedSecret>): KeptOutcome {
  const kept = JSON.parse(Buffer.from(data.answer ?? '', 'base64').toString()) as Omit<
    KeptOutcome,
    'id' | 'sealed'
  > & { readonly sealed: string };
  return { ...kept, id, sealed: new Uint8Array(Buffer.from(kept.sealed, 'base64')) };
}

/** What is behind OutcomeStore.claimOutcome: a Secret of the service's own namespace, which the first one makes. */
export async function claimOutcome(
  client: KubernetesClient,
  namespace: string,
  outcome: KeptOutcome,
  now: number,
): Promise<KeptOutcome> {
  const secret = secretOf(outcome, namespace);
  for (;;) {
    try {
      await client.create(SECRETS, secret);
      return outcome;
    } catch (error) {
      if (!isApiError(error, 'already_exists')) throw error;
    }
    const found = await client.find<SealedSecret>(SECRETS, secret.metadata);
    const kept = found && outcomeOf(outcome.id, found);
    if (found && kept && kept.until > now) return kept;
    // Its time has passed: whoever removes it first makes room for one of those who ask.
    if (found) await removeThat(client, found);
  }
}

async function removeThat(client: KubernetesClient, { metadata }: Stored<SealedSecret>): Promise<void> {
  try {
    await client.delete(SECRETS, metadata, { uid: metadata.uid });
  } catch (error) {
    if (!isApiError(error, 'conflict')) throw error;
  }
}
