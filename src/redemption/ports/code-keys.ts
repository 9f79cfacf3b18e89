import type { MasterKey } from '../../codes/signing-keys.js';

/** The master keys that the signed codes of a service's grants come from. */
export interface CodeKeys {
  /** Returns the key that signs new codes; creates it on first use. */
  current(): Promise<MasterKey>;
  /** Returns the key of that id, even if it signs no new codes; undefined if there is none. */
  find(kid: string): Promise<MasterKey | undefined>;
}

/** A stored master key, with its creation time in milliseconds since the epoch. */
export interface StoredMasterKey extends MasterKey {
  readonly createdAt: number;
}

/** Master keys that can be changed. */
export interface RotatingCodeKeys extends CodeKeys {
  /** All keys, newest first; the first one signs. */
  list(): readonly StoredMasterKey[] | Promise<readonly StoredMasterKey[]>;
  /** Creates a new key, which signs from now on, and returns it. */
  rotate(): MasterKey | Promise<MasterKey>;
  /** Deletes a key, so that codes signed with it are refused. The signing key cannot be deleted. */
  remove(kid: string): void | Promise<void>;
}
