import type { KeptOutcome } from '../../../redemption/ports/outcome-store.js';
import type { KubernetesClient } from '../api/client.js';
import { type SealedEntry, SealedSecrets } from './sealed-secrets.js';

function entryOf(outcome: KeptOutcome): SealedEntry {
  const { id, sealed, until, ...rest } = outcome;
  const text = JSON.stringify({ ...rest, sealed: Buffer.from(sealed).toString('base64') });
  return { id, until, value: Buffer.from(text) };
}

function outcomeOf({ id, until, value }: SealedEntry): KeptOutcome {
  const { sealed, ...rest } = JSON.parse(Buffer.from(value).toString()) as Omit<
    KeptOutcome,
    'id' | 'until' | 'sealed'
  > & { readonly sealed: string };
  return { ...rest, id, until, sealed: new Uint8Array(Buffer.from(sealed, 'base64')) };
}

/** Implements OutcomeStore.claimOutcome: an entry beside the sealed answers, which the first caller stores. */
export async function claimOutcome(
  client: KubernetesClient,
  namespace: string,
  outcome: KeptOutcome,
  now: number,
): Promise<KeptOutcome> {
  return outcomeOf(await new SealedSecrets(client, namespace).claim(entryOf(outcome), now));
}
