import type { MasterKey } from '../../codes/signing-keys.js';
import { DAY_MS } from '../../domain/duration.js';
import type { CodeKeys, RotatingCodeKeys } from '../ports/code-keys.js';
import type { DatabaseStore } from '../ports/database-store.js';
import type { GrantStore } from '../ports/grant-store.js';

const SETTING = 'code-key';
// A client can repeat a redemption for this time after its grant has expired.
const REPLAY_PERIOD_MS = 7 * DAY_MS;
// The creation time of a key is that of the machine on which the command ran, whose clock may be slow.
const MAX_CLOCK_LAG_MS = 60 * 60_000;

/** Stores the id of the master key that the service signs with, so that commands can check that they have the same keys. */
export async function publishCodeKey(store: DatabaseStore, codeKeys: CodeKeys): Promise<void> {
  const { kid } = await codeKeys.current();
  if ((await store.getSetting(SETTING)) !== kid) await store.putSetting(SETTING, kid);
}

/** Returns the key that signs codes; undefined if `codeKeys` are not the keys of the service on this store. */
export async function signingMasterKey(
  store: GrantStore,
  codeKeys: CodeKeys,
): Promise<MasterKey | undefined> {
  const published = await store.getSetting(SETTING);
  const isKnown = published === undefined || (await codeKeys.find(published)) !== undefined;
  return isKnown ? codeKeys.current() : undefined;
}

/** Creates a new master key; with `dropOld`, also calls {@link dropOldCodeKeys}. */
export async function rotateCodeKey(
  store: DatabaseStore,
  codeKeys: RotatingCodeKeys,
  { dropOld }: { readonly dropOld: boolean },
): Promise<MasterKey> {
  const created = await codeKeys.rotate();
  await publishCodeKey(store, codeKeys);
  if (dropOld) await dropOldCodeKeys(codeKeys);
  return created;
}

/** Removes all master keys except the one that signs. Codes signed with the others are then refused. */
export async function dropOldCodeKeys(codeKeys: RotatingCodeKeys): Promise<void> {
  for (const { kid } of (await codeKeys.list()).slice(1)) await codeKeys.remove(kid);
}

/**
 * Removes each earlier master key that can no longer verify a code. A code of a grant can have its signature if the grant was
 * created before the next key, or up to an hour after it. The key is removed if each of these grants is revoked, or expired a
 * week or more before `now`. Returns the ids of the removed keys.
 */
export async function removeUnusedCodeKeys(
  store: GrantStore,
  codeKeys: RotatingCodeKeys,
  now: number,
): Promise<readonly string[]> {
  const removed: string[] = [];
  const keys = await codeKeys.list();
  // The list is newest first: the key before another one replaced it.
  for (const [index, { kid }] of keys.entries()) {
    const replacedAt = keys[index - 1]?.createdAt;
    if (replacedAt === undefined || Number.isNaN(replacedAt)) continue;
    const createdBefore = replacedAt + MAX_CLOCK_LAG_MS;
    if (await store.hasGrantCreatedBefore(createdBefore, now - REPLAY_PERIOD_MS)) continue;
    await codeKeys.remove(kid);
    removed.push(kid);
  }
  return removed;
}
