import { randomUUID } from 'node:crypto';
import { deriveKey, open, seal } from '../../codes/sealing.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import type { Redemption } from '../../domain/redemption.js';

/** When a private key that the service generated may be returned again. */
export interface StockReplay {
  /** How long the encrypted key is stored, in milliseconds; 0 stores none. */
  readonly windowMs: number;
  /** True if the client must have the same source address. */
  readonly bindSource: boolean;
}

const KEY_PURPOSE = 'linkgrant sealed answer v1';

/** Creates a replay key that no other redemption has. */
export function uniqueReplayKey(): string {
  return `once:${randomUUID()}`;
}

/** The sealed columns of a redemption that cannot be replayed. */
export const NOTHING_SEALED = { sealedAnswer: null, sealedUntil: null } as const;

/** Returns the sealed columns of a redemption: the private key, encrypted with the code, and when it is erased. */
export function sealForReplay(
  redemption: {
    readonly id: string;
    readonly grant: AccessGrant;
    readonly code: Uint8Array;
    readonly keyPem: string;
    readonly now: number;
  },
  stockReplay: StockReplay,
): Pick<Redemption, 'sealedAnswer' | 'sealedUntil'> {
  const { id, grant, code, keyPem, now } = redemption;
  const sealedAnswer = seal(deriveKey(code, grant.uid, KEY_PURPOSE), id, Buffer.from(keyPem));
  return { sealedAnswer, sealedUntil: now + stockReplay.windowMs };
}

/** Returns the sealed key of `redemption` in PEM; undefined if there is none, it has expired, or another code sealed it. */
export function openReplay(redemption: Redemption, code: Uint8Array, now: number): string | undefined {
  const { id, grantUid, sealedAnswer, sealedUntil } = redemption;
  if (sealedAnswer === null || sealedUntil === null || sealedUntil <= now) return undefined;
  const opened = open(deriveKey(code, grantUid, KEY_PURPOSE), id, sealedAnswer);
  return opened && Buffer.from(opened).toString();
}
