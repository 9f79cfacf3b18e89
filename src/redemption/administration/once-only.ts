import { OutcomeSeal } from '../../codes/sealed-outcome.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { signingMasterKey } from '../accepting/rotate-code-keys.js';
import type { OnceOnly } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';

// How long the request for a creation can be repeated.
const OUTCOME_RETENTION_MS = 24 * 3_600_000;

/** The outcome of a creation: the uid of a grant or the id of a token, and its code. */
export interface ChosenOutcome {
  readonly createdId: string;
  readonly code: string;
}

/**
 * Returns the outcome of the creation that `once` identifies: the result of `choose` for the first request, and the same result
 * for each repetition, in any process. It is stored before anything is created, so that a repetition after a crash finishes the
 * creation. Rejects with AdministrationError if an earlier `request` for `once` was different, or if the key that encrypts the
 * stored outcome no longer exists. Without an OutcomeStore every request counts as the first one.
 */
export async function onceOnly(
  {
    kind,
    once,
    request,
  }: { readonly kind: 'grant' | 'token'; readonly once: OnceOnly; readonly request: unknown },
  choose: () => ChosenOutcome,
  { store, outcomes, codeKeys, clock }: AdministrationDependencies,
): Promise<ChosenOutcome> {
  if (!outcomes) return choose();
  const name = { kind, ...once };
  const requestText = JSON.stringify(request);
  const master = await signingMasterKey(store, codeKeys);
  if (!master) throw signingKeysError();
  const seal = new OutcomeSeal(master, name);
  const { createdId, code } = choose();
  const now = clock();
  const own = {
    id: seal.id,
    kid: master.kid,
    request: seal.fingerprint(requestText),
    createdId,
    sealed: seal.seal(code),
    until: now + OUTCOME_RETENTION_MS,
  };
  const stored = await outcomes.storeFirstOutcome(own, now);
  const storedKey = stored.kid === master.kid ? master : await codeKeys.find(stored.kid);
  const storedSeal = storedKey && new OutcomeSeal(storedKey, name);
  if (storedSeal && stored.request !== storedSeal.fingerprint(requestText)) {
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

/** The error if the signing keys of this process are not those of the service on the store. */
export function signingKeysError(): AdministrationError {
  return new AdministrationError(
    'signing_keys_foreign',
    'the keys in this data directory are not those that the service signs tokens with',
  );
}
