import { type AccessGrant, grantState } from '../../../domain/access-grant.js';
import type { Redemption } from '../../../domain/redemption.js';
import type { Refusal } from '../../../domain/redemption-error.js';
import type { Checkpoint } from '../../../redemption/clock.js';
import type { RecordOutcome, RecordRules } from '../../../redemption/grant-store.js';
import { readAccessGrant } from '../access-grant-resource.js';
import { isApiError } from '../api-error.js';
import type { KubernetesClient } from '../client.js';
import { REDEMPTIONS } from '../kinds.js';
import type { CodeConfigMaps } from './code-config-maps.js';
import type { GrantAccount, GrantAccounts } from './grant-accounts.js';
import type { KnownSlots } from './known-slots.js';
import { persistently } from './persistently.js';
import {
  MORE_TO_FOLLOW,
  type RedemptionResource,
  redemptionResource,
  slotName,
} from './redemption-resource.js';
import { storeUnavailable } from './store-failure.js';
import type { StoreParts } from './store-parts.js';
import { findSlot, revokeResource } from './stored-redemptions.js';

/** What recording a redemption works with. */
export interface RecordDependencies {
  readonly client: KubernetesClient;
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
  const attempt = { account, redemption, now, rules, began, deadline: began + deps.deadlineMs };
  const outcome = await account.inTurn(() => fillSlot(attempt, deps));
  if (typeof outcome === 'object' && 'filled' in outcome) return confirm(attempt, outcome.filled, deps);
  if (outcome !== 'recorded') await deps.sealed.forget(redemption);
  return outcome;
}

/** A slot that this very redemption filled, or was found in. */
interface Filled {
  readonly filled: number;
}

async function fillSlot(attempt: Attempt, deps: RecordDependencies): Promise<RecordOutcome | Filled> {
  const { account, redemption, rules, began, deadline } = attempt;
  const { slots, turns } = account;
  if (slots.ofId(redemption.id)) return 'recorded';
  const resource = await account.grant.since(rules.askedAt ?? began);
  if (!resource) {
    deps.accounts.forget(account.uid);
    return { refused: 'grant_unknown' };
  }
  const { grant } = readAccessGrant(resource);
  const decided = refusalOf(grant, attempt) ?? (await codeRefusal(attempt, deps));
  // A process that has not met this grant, or not for long.
  if (slots.next < grant.redemptions) await account.filled.since(began);
  let patience = turns.patience();
  let lost: number | undefined;
  for (let isSealed = false; ; ) {
    const known = await knownAlready(attempt, deps);
    if (known) return known;
    const { next } = slots;
    const refusal = decided ?? refusalBySlots(slots, grant, attempt);
    if (refusal) {
      // Before anything is refused all slots are read: what was recorded elsewhere is answered again.
      await account.filled.since(began);
      if (slots.next === next) return refusal;
      continue;
    }
    if (!isSealed) await deps.sealed.keep(redemption);
    isSealed = true;
    await turns.come(Math.min(patience, deadline));
    // Mostly the watch has told of it by now, and of those behind it.
    if (lost === next && slots.next === next) await account.filled.since();
    if (slots.next !== next) continue;
    // Whoever asked has gone by now, and a use would be counted for nobody.
    if (performance.now() >= deadline) throw storeUnavailable('a slot was not to be had in time');
    if (await turns.during(() => create(attempt, next, deps))) return { filled: next };
    lost = next;
    if (slots.next === next) turns.noteOthers(true);
    patience = turns.patience();
  }
}

/** What is known of this redemption, or of one with its replay key; undefined if nothing is. */
async function knownAlready(
  { account, redemption }: Attempt,
  deps: RecordDependencies,
): Promise<RecordOutcome | Filled | undefined> {
  const { slots, namespace, uid } = account;
  // The answer to its own create was lost.
  const own = slots.ofId(redemption.id);
  if (own) return { filled: own.slot };
  const same = slots.ofReplayKey(redemption.replayKey);
  const replayOf = same && (await findSlot(deps, { namespace, name: slotName(uid, same.slot) }));
  return replayOf && { replayOf };
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

/** Why the slots that are known leave no room for one more. */
function refusalBySlots(
  slots: KnownSlots,
  { redemptionsAllowed }: AccessGrant,
  { redemption, now, rules: { signedCode, repeatLimit } }: Attempt,
): Refusal | undefined {
  if (slots.next >= redemptionsAllowed) return { refused: 'grant_exhausted' };
  if (signedCode) {
    const { jti, uses } = signedCode;
    let used = 0;
    for (const { code } of slots.all()) if (code?.jti === jti) used += 1;
    if (used >= uses) return { refused: 'code_exhausted' };
  }
  if (!repeatLimit) return undefined;
  const since = now - repeatLimit.windowMs;
  const { name, subject } = redemption;
  const times: number[] = [];
  for (const slot of slots.all()) {
    const isSame = slot.mode === 'stock' && slot.name === name && slot.subject === subject;
    if (isSame && slot.createdAt > since) times.push(slot.createdAt);
  }
  // The newest of those that fill the limit: once it leaves the window, one more is allowed.
  const filling = times.sort((a, b) => b - a)[repeatLimit.count - 1];
  if (filling === undefined) return undefined;
  return { refused: 'repeated_redemption', retryAfter: Math.max(1, Math.ceil((filling - since) / 1_000)) };
}

/**
 * Fills a slot: false if it is filled already, maybe by this very redemption. A write of which nobody knows whether it was
 * carried out is repeated, until the answer says so.
 */
async function create(attempt: Attempt, slot: number, deps: RecordDependencies): Promise<boolean> {
  const { account, redemption, rules, deadline } = attempt;
  const resource = redemptionResource(redemption, account.name, slot, rules.signedCode);
  const isAmid = account.acts > 1 && account.turns.mayGoOn;
  const annotations = isAmid ? { [MORE_TO_FOLLOW]: 'true' } : {};
  // The grant's namespace, which is where its Redemptions are.
  const metadata = { ...resource.metadata, namespace: account.namespace, annotations };
  const placed = { ...resource, metadata };
  account.filling = redemption.id;
  return persistently(deadline, async () => {
    await deps.checkpoint('before-commit');
    try {
      account.slots.add(await deps.client.create<RedemptionResource>(REDEMPTIONS, placed));
    } catch (error) {
      if (isApiError(error, 'already_exists')) return false;
      throw error;
    }
    await deps.checkpoint('after-commit');
    return true;
  });
}

/** Holds a grant against what became of it while its slot was filled: no certificate leaves for one that is over. */
async function confirm(attempt: Attempt, slot: number, deps: RecordDependencies): Promise<RecordOutcome> {
  const { account, now, deadline } = attempt;
  const moment = performance.now();
  // Where others wait for their turns beside the one that has it, one read in a while is enough for all of them.
  const resource = await persistently(deadline, () => account.grant.since(moment, account.acts > 1));
  if (resource && readAccessGrant(resource).grant.revokedAt === null) return 'recorded';
  const key = { namespace: account.namespace, name: slotName(account.uid, slot) };
  await persistently(deadline, () => revokeResource(deps, key, now));
  return { refused: resource ? 'grant_revoked' : 'grant_unknown' };
}
