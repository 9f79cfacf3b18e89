import type { MasterKey } from '../../codes/signing-keys.js';

/** The master keys that the signing keys of grants are derived from. */
export interface CodeKeys {
  /** Returns the key that signs new codes; creates it on first use. */
  current(): Promise<MasterKey>;
  /** Returns the key of that id, even if it signs no new codes; undefined if there is none. */
  find(kid: string): Promise<MasterKey | undefined>;
}

/** A stored master key. */
export interface StoredMasterKey extends MasterKey {
  /** Milliseconds since the epoch; NaN if it is not recorded. */
  readonly createdAt: number;
}

/** Master keys that can be rotated. */
export interface RotatingCodeKeys extends CodeKeys {
  /** All keys, newest first; the first one signs. */
  list(): readonly StoredMasterKey[] | Promise<readonly StoredMasterKey[]>;
  /** Creates a new key, which signs from now on, and returns it. */
  rotate(): MasterKey | Promise<MasterKey>;
  /** Deletes a key, so that codes signed with it are refused. The signing key cannot be deleted. */
  remove(kid: string): void | Promise<void>;
}
