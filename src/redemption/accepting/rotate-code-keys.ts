import type { MasterKey } from '../../codes/signing-keys.js';
import type { CodeKeys, RotatingCodeKeys } from '../ports/code-keys.js';
import type { GrantStore } from '../ports/grant-store.js';

const SETTING = 'code-key';
// How long a client may repeat a redemption after the end of its grant.
const REPLAYED_AFTER_END_MS = 7 * 86_400_000;

/** Records in the store which master key the service signs with, so that commands can verify that theirs is the same. */
export async function publishCodeKey(store: GrantStore, codeKeys: CodeKeys): Promise<void> {
  const { kid } = await codeKeys.current();
  if ((await store.getSetting(SETTING)) !== kid) await store.putSetting(SETTING, kid);
}

/** Returns the key that signs codes; undefined if `codeKeys` are not those of the service that uses the store. */
export async function signingMasterKey(
  store: GrantStore,
  codeKeys: CodeKeys,
): Promise<MasterKey | undefined> {
  const published = await store.getSetting(SETTING);
  const isKnown = published === undefined || (await codeKeys.find(published)) !== undefined;
  return isKnown ? codeKeys.current() : undefined;
}

/** Creates a new master key, and with `dropOld` removes all others: codes that they signed are then refused. */
export async function rotateCodeKey(
  store: GrantStore,
  codeKeys: RotatingCodeKeys,
  { dropOld }: { readonly dropOld: boolean },
): Promise<MasterKey> {
  const created = await codeKeys.rotate();
  await publishCodeKey(store, codeKeys);
  if (dropOld) await dropOldCodeKeys(codeKeys);
  return created;
}

/** Removes every master key except the one that signs: codes that the others signed are then refused. */
export async function dropOldCodeKeys(codeKeys: RotatingCodeKeys): Promise<void> {
  for (const { kid } of (await codeKeys.list()).slice(1)) await codeKeys.remove(kid);
}

/**
 * Removes each master key that no longer signs and is not needed for verification: all grants created before its successor
 * are revoked or ended a week before `now`. Returns the ids of the removed keys.
 */
export async function removeUnusedCodeKeys(
  store: GrantStore,
  codeKeys: RotatingCodeKeys,
  now: number,
): Promise<readonly string[]> {
  const removed: string[] = [];
  const keys = await codeKeys.list();
  for (const [index, { kid }] of keys.entries()) {
    const retiredAt = keys[index - 1]?.createdAt;
    // NaN if the file has no creation time.
    if (retiredAt === undefined || Number.isNaN(retiredAt)) continue;
    if (await store.hasGrantMadeBefore(retiredAt, now - REPLAYED_AFTER_END_MS)) continue;
    await codeKeys.remove(kid);
    removed.push(kid);
  }
  return removed;
}
