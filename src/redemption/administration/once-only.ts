import { OutcomeSeal, outcomeId } from '../../codes/sealed-outcome.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { signingMasterKey } from '../accepting/rotate-code-keys.js';
import type { OnceOnly } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';

/** How long a creation can be repeated, in milliseconds. */
const OUTCOME_RETENTION_MS = 24 * 3_600_000;

/** The outcome of a creation: the uid of a grant or the id of a token, and its code. */
export interface ChosenOutcome {
  readonly createdId: string;
  readonly code: string;
}

/**
 * The outcome of the creation called `once`: the result of `choose` at the first request, and the same for each repetition,
 * in any process. It is stored before anything is created, so that a repetition after a crash finishes the creation.
 * Rejects with AdministrationError for another `order` under that name, and if the keys that protect the stored outcome are
 * gone.
 */
export async function onceOnly(
  {
    kind,
    once,
    order,
  }: { readonly kind: 'grant' | 'token'; readonly once: OnceOnly; readonly order: unknown },
  choose: () => ChosenOutcome,
  { store, codeKeys, clock }: AdministrationDependencies,
): Promise<ChosenOutcome> {
  const name = { kind, ...once };
  const request = JSON.stringify(order);
  const master = await signingMasterKey(store, codeKeys);
  if (!master) throw foreignKeys();
  const seal = new OutcomeSeal(master, name);
  const { createdId, code } = choose();
  const now = clock();
  const claim = {
    id: outcomeId(name),
    kid: master.kid,
    request: seal.fingerprint(request),
    createdId,
    sealed: seal.seal(code),
    until: now + OUTCOME_RETENTION_MS,
  };
  const stored = await store.claimOutcome(claim, now);
  const storedKey = stored.kid === master.kid ? master : await codeKeys.find(stored.kid);
  const storedSeal = storedKey && new OutcomeSeal(storedKey, name);
  if (storedSeal && stored.request !== storedSeal.fingerprint(request)) {
    throw new AdministrationError(
      'idempotency_key_reused',
      'this Idempotency-Key was used for another request',
    );
  }
  const opened = storedSeal?.open(stored.sealed);
  if (opened === undefined) throw outcomeGone();
  return { createdId: stored.createdId, code: opened };
}

/** The error for a repeated creation whose result was deleted. */
export function outcomeGone(): AdministrationError {
  return new AdministrationError('outcome_gone', 'the result of the earlier request was deleted');
}

/** The error for keys that differ from those of the service on the store. */
export function foreignKeys(): AdministrationError {
  return new AdministrationError(
    'signing_keys_foreign',
    'the keys in this data directory are not those that the service signs tokens with',
  );
}
