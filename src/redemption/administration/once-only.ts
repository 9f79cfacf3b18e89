import { OutcomeSeal, outcomeId } from '../../codes/sealed-outcome.js';
import { AdministrationError } from '../../domain/administration-error.js';
import { signingMasterKey } from '../accepting/rotate-code-keys.js';
import type { OnceOnly } from './administration.js';
import type { AdministrationDependencies } from './dependencies.js';

/** How long a creation can be asked for again, in milliseconds. */
const OUTCOME_KEPT_MS = 24 * 3_600_000;

/** What a creation makes: the uid of a grant or the id of a token, and its code. */
export interface ChosenOutcome {
  readonly made: string;
  readonly code: string;
}

/**
 * What the creation called `once` makes: `choose` says so when it is asked for the first time, and the same again to
 * everybody who repeats it, in whatever process. It is kept before anything is made, so that whoever repeats it after a
 * crash finishes it. Rejects with AdministrationError for another `order` of that name, and where the keys have gone
 * under which it was kept.
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
  const { made, code } = choose();
  const now = clock();
  const claim = {
    id: outcomeId(name),
    kid: master.kid,
    request: seal.fingerprint(request),
    made,
    sealed: seal.seal(code),
    until: now + OUTCOME_KEPT_MS,
  };
  const kept = await store.claimOutcome(claim, now);
  const keptUnder = kept.kid === master.kid ? master : await codeKeys.find(kept.kid);
  const keptSeal = keptUnder && new OutcomeSeal(keptUnder, name);
  if (keptSeal && kept.request !== keptSeal.fingerprint(request)) {
    throw new AdministrationError(
      'idempotency_key_reused',
      'this Idempotency-Key was used for another request',
    );
  }
  const opened = keptSeal?.open(kept.sealed);
  if (opened === undefined) throw outcomeGone();
  return { made: kept.made, code: opened };
}

/** The error for a repeated creation of what is there no more. */
export function outcomeGone(): AdministrationError {
  return new AdministrationError('outcome_gone', 'what this request made before is there no more');
}

/** The error for keys that are not those of the service that uses the store. */
export function foreignKeys(): AdministrationError {
  return new AdministrationError(
    'signing_keys_foreign',
    'the keys here are not those that the service signs tokens with',
  );
}
