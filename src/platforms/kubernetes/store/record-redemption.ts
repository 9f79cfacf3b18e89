import { setTimeout as sleep } from 'node:timers/promises';
import { grantRefusal } from '../../../domain/access-grant.js';
import type { Redemption } from '../../../domain/redemption.js';
import { type Refusal, storeUnavailable } from '../../../domain/redemption-error.js';
import type { RecordOutcome, RecordRules } from '../../../redemption/ports/grant-store.js';
import { isApiError } from '../api/api-error.js';
import { REDEMPTIONS } from '../api/kinds.js';
import { retryUntil } from '../api/retry.js';
import type { GrantAccount } from './grant-accounts.js';
import { type RedemptionResource, redemptionResource, slotName } from './redemption-resource.js';
import type { StoreParts } from './store-parts.js';
import { findReplay, revokeReplaced, revokeResource } from './stored-redemptions.js';

/**
 * A redemption that is being recorded. `now` is in milliseconds since the epoch; `receivedAt` and `deadline` are in the unit of
 * `performance.now()`.
 */
interface Recording {
  readonly account: GrantAccount;
  readonly redemption: Redemption;
  readonly now: number;
  readonly rules: RecordRules;
  /** The grant and the filled slots are read after this moment. */
  readonly receivedAt: number;
  readonly deadline: number;
}

/** The redemption fills this slot, or another one with the same replay key does; the grant was not read again yet. */
type Unconfirmed = { readonly filled: number } | { readonly replayOf: Redemption };

/**
 * Implements GrantStore.recordRedemption: creates the Redemption of the grant's first free slot. A slot is filled only
 * after every slot before it was read. So with any number of processes, no replay key is counted twice, and no signed code
 * exceeds its uses. Within one process the redemptions of a grant are recorded one after the other.
 */
export async function recordRedemption(
  uid: string,
  redemption: Redemption,
  now: number,
  rules: RecordRules,
  deps: StoreParts,
): Promise<RecordOutcome> {
  const startedAt = performance.now();
  const account = await deps.accounts.find(uid);
  if (!account) return { refused: 'grant_unknown' };
  const receivedAt = rules.receivedAt ?? startedAt;
  const deadline = receivedAt + deps.deadlineMs;
  const recording: Recording = { account, redemption, now, rules, receivedAt, deadline };
  const attempt = await account.queue.enqueue(() => fillSlot(recording, deps));
  // The next redemption of the grant fills its slot meanwhile.
  const isUnconfirmed = typeof attempt === 'object' && !('refused' in attempt);
  const outcome = isUnconfirmed ? await confirm(recording, attempt, deps) : attempt;
  if (outcome !== 'recorded' && !(isUnconfirmed && 'filled' in attempt)) await deps.sealed.erase(redemption);
  const issued = issuedBy(outcome, redemption);
  if (issued) {
    const replacement = { id: issued.id, namespace: account.namespace, replaces: rules.signedCode?.replaces };
    await retryUntil(deadline, () => revokeReplaced(replacement, deps));
  }
  return outcome;
}

/** The redemption whose certificate the client gets; undefined if it gets none. */
function issuedBy(outcome: RecordOutcome, redemption: Redemption): Redemption | undefined {
  if (outcome === 'recorded') return redemption;
  return 'replayOf' in outcome && outcome.replayOf.revokedAt === null ? outcome.replayOf : undefined;
}

async function fillSlot(recording: Recording, deps: StoreParts): Promise<RecordOutcome | Unconfirmed> {
  const { account, redemption, receivedAt } = recording;
  // An earlier call recorded it.
  if (account.slots.ofId(redemption.id) !== undefined) return 'recorded';
  assertInTime(recording);
  const grant = await account.grant.readAfter(receivedAt);
  if (!grant) {
    deps.accounts.forget(account.uid);
    return { refused: 'grant_unknown' };
  }
  const refusalByCode = await codeRefusal(account, recording.rules.signedCode?.jti, deps);
  if (account.isBehind) await account.filledSlots.readAfter(receivedAt);
  // The slots limit the uses, so ignore the count in the status.
  const { slots } = account;
  const refusalNow = () =>
    grantRefusal({ ...grant, redemptions: slots.next }, recording.now) ??
    refusalByCode ??
    slotRefusal(recording);
  return fillNextSlot(recording, refusalNow, deps);
}

/** Reads slots, and creates the Redemption of the first free one, until the redemption has a slot or is refused. */
async function fillNextSlot(
  recording: Recording,
  refusalNow: () => Refusal | undefined,
  deps: StoreParts,
): Promise<Refusal | Unconfirmed> {
  const { account, redemption, receivedAt } = recording;
  const { slots } = account;
  let isSealed = false;
  for (;;) {
    const filled = slots.ofId(redemption.id);
    if (filled !== undefined) return { filled };
    const found = await findReplay(account, redemption.replayKey, deps);
    if (found) return { replayOf: found.redemption };
    const slot = slots.next;
    const refusal = refusalNow();
    if (refusal) {
      // A replay is never refused, so first read the next slot: the refusal is certain only if that slot is free.
      await account.filledSlots.readAfter(receivedAt);
      if (slots.next === slot) return refusal;
    } else if (!isSealed) {
      await deps.sealed.store(redemption);
      await deps.checkpoint('before-commit');
      isSealed = true;
    } else if (await createSlot(slot, recording, deps)) {
      return { filled: slot };
    }
  }
}

/**
 * Creates the Redemption of a slot. False if the slot was filled before, by another redemption or by this one in a write
 * whose response was lost; the slot is then known.
 */
async function createSlot(slot: number, recording: Recording, deps: StoreParts): Promise<boolean> {
  const { account, redemption, rules, deadline } = recording;
  const { slots, namespace, name } = account;
  assertInTime(recording);
  const resource = redemptionResource({ ...redemption, namespace }, name, slot, rules.signedCode);
  let startedAt = 0;
  try {
    const created = await retryUntil(deadline, () => {
      startedAt = performance.now();
      return deps.client.create<RedemptionResource>(REDEMPTIONS, resource);
    });
    slots.add(created);
  } catch (error) {
    if (!isApiError(error, 'already_exists')) throw error;
    // Another replica fills slots at this moment. A random pause of up to twice the duration of a creation lets replicas
    // alternate.
    await sleep(2 * Math.random() * (performance.now() - startedAt));
    if (slots.next === slot) await account.filledSlots.readAfter();
    return false;
  }
  await deps.checkpoint('after-commit');
  return true;
}

/** Throws once the client has probably timed out: a use would be counted for a certificate that it never receives. */
function assertInTime({ deadline }: Recording): void {
  if (performance.now() >= deadline) throw storeUnavailable('the redemption waited too long for a slot');
}

async function codeRefusal(
  { uid }: GrantAccount,
  jti: string | null | undefined,
  { codes }: StoreParts,
): Promise<Refusal | undefined> {
  const stored = typeof jti === 'string' ? await codes.find(uid, jti) : undefined;
  return stored && stored.revokedAt !== null ? { refused: 'code_revoked' } : undefined;
}

/** Why the filled slots allow no further redemption with the same code, or of the same client; undefined if they do. */
function slotRefusal({
  account: { slots },
  redemption,
  now,
  rules: { signedCode, repeatLimit },
}: Recording): Refusal | undefined {
  if (signedCode && slots.usesOf(signedCode.jti) >= (signedCode.limit ?? signedCode.uses))
    return { refused: 'code_exhausted' };
  if (!repeatLimit) return undefined;
  const since = now - repeatLimit.windowMs;
  const recent = slots.stockTimesOf(redemption).filter((time) => time > since);
  // When the `count`-th newest redemption leaves the window, one more is allowed.
  const nthNewest = recent.sort((a, b) => b - a)[repeatLimit.count - 1];
  if (nthNewest === undefined) return undefined;
  return { refused: 'repeated_redemption', retryAfter: Math.max(1, Math.ceil((nthNewest - since) / 1_000)) };
}

/**
 * Returns why a redemption that was found must not be returned: its grant or its signed code was revoked, or the grant was deleted,
 * according to a read after `moment`. Without this read, a redemption that was recorded at the moment of the revocation would be returned.
 */
export async function revocationRefusal(
  account: GrantAccount,
  jti: string | null | undefined,
  deps: StoreParts,
  moment = performance.now(),
): Promise<Refusal | undefined> {
  const grant = await account.grant.readAfter(moment);
  if (!grant) return { refused: 'grant_unknown' };
  if (grant.revokedAt !== null) return { refused: 'grant_revoked' };
  return codeRefusal(account, jti, deps);
}

/**
 * Reads the grant and the signed code again. If one of them was revoked, or the grant was replaced, refuses the redemption, and revokes
 * the Redemption if this call filled its slot, so that no certificate is returned.
 */
async function confirm(
  { account, now, deadline, rules }: Recording,
  attempt: Unconfirmed,
  deps: StoreParts,
): Promise<RecordOutcome> {
  const readAt = performance.now();
  const refusal = await retryUntil(deadline, () =>
    revocationRefusal(account, rules.signedCode?.jti, deps, readAt),
  );
  if ('replayOf' in attempt) return refusal ?? attempt;
  if (!refusal) return 'recorded';
  const key = { namespace: account.namespace, name: slotName(account.uid, attempt.filled) };
  await retryUntil(deadline, () => revokeResource(deps, key, now));
  return refusal;
}
