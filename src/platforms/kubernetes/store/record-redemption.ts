import { type AccessGrant, grantState } from '../../../domain/access-grant.js';
import type { Redemption } from '../../../domain/redemption.js';
import type { Refusal } from '../../../domain/redemption-error.js';
import type { Checkpoint } from '../../../redemption/ports/clock.js';
import type { RecordOutcome, RecordRules } from '../../../redemption/ports/grant-store.js';
import type { KubernetesClient } from '../api/client.js';
import { readAccessGrant } from '../grants/access-grant-resource.js';
import type { CodeConfigMaps } from './code-config-maps.js';
import type { GrantAccount, GrantAccounts } from './grant-accounts.js';
import type { SlotFacts } from './known-slots.js';
import { persistently } from './persistently.js';
import { redemptionResource, slotName } from './redemption-resource.js';
import type { FillOutcome, SlotFiller } from './slot-filler.js';
import { storeUnavailable } from './store-failure.js';
import type { StoreParts } from './store-parts.js';
import { findSlot, revokeResource } from './stored-redemptions.js';

/** What recording a redemption works with. */
export interface RecordDependencies {
  readonly client: KubernetesClient;
  readonly filler: SlotFiller;
  readonly accounts: GrantAccounts;
  readonly codes: Pick<CodeConfigMaps, 'find'>;
  readonly sealed: StoreParts['sealed'];
  readonly checkpoint: Checkpoint;
  /** How long an unknown outcome is asked after, in milliseconds. */
  readonly deadlineMs: number;
}

/** A redemption that is to be recorded. */
interface Attempt {
  readonly account: GrantAccount;
  readonly redemption: Redemption;
  readonly now: number;
  readonly rules: RecordRules;
  /** When it was asked for, and until when it may take, by `performance.now()`. */
  readonly began: number;
  readonly deadline: number;
  /** The grant as it was after that, and why it gives nothing; undefined until it was read. */
  grant: AccessGrant | undefined;
  decided: Refusal | undefined;
  isSealed: boolean;
}

/**
 * What is behind GrantStore.recordRedemption: fills the grant's first free slot. Nobody fills a slot without having read
 * all before it, so no replay key is counted twice and no signed code beyond its uses, however many processes redeem.
 * Within one process a grant's redemptions take turns, and share what they read.
 */
export async function recordRedemption(
  uid: string,
  redemption: Redemption,
  now: number,
  rules: RecordRules,
  deps: RecordDependencies,
): Promise<RecordOutcome> {
  const began = performance.now();
  const account = await deps.accounts.find(uid);
  if (!account) return { refused: 'grant_unknown' };
  const attempt: Attempt = {
    account,
    redemption,
    now,
    rules,
    began,
    deadline: began + deps.deadlineMs,
    grant: undefined,
    decided: undefined,
    isSealed: false,
  };
  const outcome = await fillSlot(attempt, deps);
  if (typeof outcome === 'object' && 'filled' in outcome) return confirm(attempt, outcome.filled, deps);
  if (outcome !== 'recorded') await deps.sealed.forget(redemption);
  return outcome;
}

/** A slot that this very redemption filled, or was found in. */
interface Filled {
  readonly filled: number;
}

/** A slot that is being filled; `isFilled` is false if it was filled already, maybe by this very redemption, or was not tried. */
interface Underway {
  readonly slot: number;
  readonly isFilled: Promise<boolean>;
}

async function fillSlot(attempt: Attempt, deps: RecordDependencies): Promise<RecordOutcome | Filled> {
  const { account } = attempt;
  for (let isAgain = false; ; isAgain = true) {
    const taken = await account.inTurn(() => takePlace(attempt, deps), isAgain);
    if (typeof taken !== 'object' || !('slot' in taken)) return taken;
    if (await taken.isFilled) return { filled: taken.slot };
  }
}

/** Takes the next place in the grant's line; or tells what came of the redemption without one. */
async function takePlace(
  attempt: Attempt,
  deps: RecordDependencies,
): Promise<RecordOutcome | Filled | Underway> {
  const { account, redemption, began, deadline } = attempt;
  const { slots, turns, line, namespace, uid } = account;
  // Recorded before, and confirmed then; what is found of this very attempt is confirmed yet.
  if (!attempt.grant && slots.ofId(redemption.id)) return 'recorded';
  const grant = await grantOf(attempt, deps);
  if (!grant) return { refused: 'grant_unknown' };
  const patience = turns.patience();
  for (;;) {
    // From this look to the place that is taken nothing may come in between, or all is looked at again.
    const own = slots.ofId(redemption.id);
    if (own) return { filled: own.slot };
    const same = slots.ofReplayKey(redemption.replayKey);
    const replayOf = same && (await findSlot(deps, { namespace, name: slotName(uid, same.slot) }));
    if (replayOf) return { replayOf };
    const { next } = slots;
    const refusal = attempt.decided ?? refusalBySlots(grant, attempt);
    if (refusal || line.count(({ replayKey }) => replayKey === redemption.replayKey) > 0) {
      // What hangs on those ahead waits until it is known what became of them.
      const wasAlone = line.size === 0;
      await line.empty();
      // Before anything is refused all slots are read: what was recorded elsewhere is answered again.
      if (wasAlone) await account.filled.since(began);
      if (wasAlone && refusal && slots.next === next) return refusal;
    } else if (!attempt.isSealed) {
      await deps.sealed.keep(redemption);
      await deps.checkpoint('before-commit');
      attempt.isSealed = true;
    } else if (line.size > 0 && (line.isBroken || !turns.mayGoOn)) {
      await line.empty();
    } else if (line.isFull) {
      await line.room();
    } else if (line.size > 0) {
      return underway(attempt, deps);
    } else {
      await turns.come(Math.min(patience, deadline));
      // Mostly the watch has told of it by now, and of those behind it.
      if (line.lost === next && slots.next === next) await account.filled.since();
      if (slots.next === next) return underway(attempt, deps);
    }
  }
}

/** The grant, read after the redemption was asked for; undefined if it is gone. */
async function grantOf(attempt: Attempt, deps: RecordDependencies): Promise<AccessGrant | undefined> {
  const { account, began } = attempt;
  if (attempt.grant) return attempt.grant;
  const resource = await account.grantSince(began, true);
  if (!resource) {
    deps.accounts.forget(account.uid);
    return undefined;
  }
  const { grant } = readAccessGrant(resource);
  attempt.decided = refusalOf(grant, attempt) ?? (await codeRefusal(attempt, deps));
  // A process that has not met this grant, or not for long.
  if (account.slots.next < grant.redemptions) await account.filled.since(began);
  attempt.grant = grant;
  return grant;
}

/** Has the slot after all that are known and under way be filled; at once, before anything else can come in between. */
function underway(attempt: Attempt, deps: RecordDependencies): Underway {
  const { account, redemption, rules, deadline } = attempt;
  const { slots, line, turns } = account;
  const withinMs = deadline - performance.now();
  // Whoever asked has gone by now, and a use would be counted for nobody.
  if (withinMs <= 0) throw notInTime();
  const slot = nextSlot(account);
  turns.begin();
  const isAmid = account.acts > 1 && turns.mayGoOn;
  const resource = redemptionResource(redemption, account.name, slot, rules.signedCode);
  // The grant's namespace, which is where its Redemptions are.
  const placed = { ...resource, metadata: { ...resource.metadata, namespace: account.namespace } };
  const turn = { of: turns.id, heir: turns.heir() };
  const order = { resource: placed, follows: line.last?.redemption.id, isAmid, turn, withinMs };
  const entry = { slot, redemption };
  line.join(entry);
  const begun = performance.now();
  const fill = async (): Promise<boolean> => {
    let outcome: FillOutcome;
    let isFilled: boolean;
    try {
      outcome = await deps.filler.fill(order);
      isFilled = outcome === 'filled' || outcome === 'filled_last';
      if (isFilled) slots.add(placed);
      if (isFilled || outcome === 'taken') turns.end(begun);
      else turns.forgo();
      // What the watch told of those behind it is newer.
      if (isFilled && slots.next === slot + 1) turns.noteOwn(outcome === 'filled' ? turn.of : turn.heir);
      if (outcome === 'taken') line.lost = slot;
      if (outcome === 'taken' && slots.next === slot) turns.noteLost();
      line.leave(entry, isFilled);
    } catch (error) {
      line.leave(entry, false);
      throw error;
    }
    if (outcome === 'late') throw notInTime();
    if (isFilled) await deps.checkpoint('after-commit');
    return isFilled;
  };
  return { slot, isFilled: fill() };
}

/** The slot after all that are known and under way. */
function nextSlot({ slots, line }: GrantAccount): number {
  return Math.max(slots.next, line.last ? line.last.slot + 1 : 0);
}

function notInTime() {
  return storeUnavailable('a slot was not to be had in time');
}

function refusalOf(grant: AccessGrant, { now }: Attempt): Refusal | undefined {
  switch (grantState({ ...grant, redemptions: 0, redemptionsAllowed: 1 }, now)) {
    case 'revoked':
      return { refused: 'grant_revoked' };
    // Its clock has not started: the service does not know yet how its site is reached.
    case 'pending':
      return { refused: 'link_access_unavailable' };
    case 'expired':
      return { refused: 'grant_expired' };
    default:
      return undefined;
  }
}

async function codeRefusal(
  { account, rules: { signedCode } }: Attempt,
  { codes }: RecordDependencies,
): Promise<Refusal | undefined> {
  const noted = signedCode && (await codes.find(account.uid, signedCode.jti));
  return noted && noted.revokedAt !== null ? { refused: 'code_revoked' } : undefined;
}

/** Why the slots that are filled, or about to be, leave no room for one more. */
function refusalBySlots(
  { redemptionsAllowed }: AccessGrant,
  { account, redemption, now, rules: { signedCode, repeatLimit } }: Attempt,
): Refusal | undefined {
  const { slots, line } = account;
  if (nextSlot(account) >= redemptionsAllowed) return { refused: 'grant_exhausted' };
  if (signedCode) {
    const { jti, uses } = signedCode;
    let used = line.count((other) => other.jti === jti);
    for (const { code } of slots.all()) if (code?.jti === jti) used += 1;
    if (used >= uses) return { refused: 'code_exhausted' };
  }
  if (!repeatLimit) return undefined;
  const since = now - repeatLimit.windowMs;
  const { name, subject } = redemption;
  const isSame = (other: Pick<SlotFacts, 'mode' | 'name' | 'subject'>) =>
    other.mode === 'stock' && other.name === name && other.subject === subject;
  // Another one under way has this one wait, whatever becomes of that.
  const times: number[] = line.count(isSame) > 0 ? Array(repeatLimit.count).fill(now) : [];
  for (const slot of slots.all()) if (isSame(slot) && slot.createdAt > since) times.push(slot.createdAt);
  // The newest of those that fill the limit: once it leaves the window, one more is allowed.
  const filling = times.sort((x, y) => y - x)[repeatLimit.count - 1];
  if (filling === undefined) return undefined;
  return { refused: 'repeated_redemption', retryAfter: Math.max(1, Math.ceil((filling - since) / 1_000)) };
}

/** Holds a grant against what became of it while its slot was filled: no certificate leaves for one that is over. */
async function confirm(attempt: Attempt, slot: number, deps: RecordDependencies): Promise<RecordOutcome> {
  const { account, now, deadline } = attempt;
  const moment = performance.now();
  const resource = await persistently(deadline, () => account.grantSince(moment));
  if (resource && readAccessGrant(resource).grant.revokedAt === null) return 'recorded';
  const key = { namespace: account.namespace, name: slotName(account.uid, slot) };
  await persistently(deadline, () => revokeResource(deps, key, now));
  return { refused: resource ? 'grant_revoked' : 'grant_unknown' };
}
