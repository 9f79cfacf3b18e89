import { randomUUID } from 'node:crypto';
import { openAnswer, sealAnswer } from '../../codes/sealed-answer.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import { sourceOf } from '../../domain/peer-address.js';
import type { Redemption } from '../../domain/redemption.js';
import { sha256Hex } from '../../pki/sha256.js';

/** When a private key that the service generated may be returned again. */
export interface StockReplay {
  /** How long the answer is stored, in milliseconds; 0 stores none. */
  readonly windowMs: number;
  /** Whether the address of the client must be the same. */
  readonly bindSource: boolean;
}

/**
 * Returns the replay key of a redemption without a CSR; undefined if it cannot be replayed. Only single-use codes that no
 * user supplied are replayed, and only for the same name, subject and source.
 */
export function stockReplayKey(
  request: {
    readonly isReplayable: boolean;
    readonly name: string;
    readonly subject: string;
    readonly peer: string;
  },
  stockReplay: StockReplay,
): string | undefined {
  const { isReplayable, name, subject, peer } = request;
  if (!isReplayable || stockReplay.windowMs === 0) return undefined;
  const source = stockReplay.bindSource ? sourceOf(peer) : '';
  return `stock:${sha256Hex([name, subject, source].join('\0'))}`;
}

/** Creates a replay key that no other redemption has. */
export function uniqueReplayKey(): string {
  return `once:${randomUUID()}`;
}

/** The sealed columns of a redemption that cannot be replayed. */
export const NOTHING_SEALED = { sealedAnswer: null, sealedUntil: null } as const;

/** Returns the sealed columns of a redemption: the private key, encrypted under the code until the end of the window. */
export function sealForReplay(
  answer: {
    readonly id: string;
    readonly grant: AccessGrant;
    readonly code: Uint8Array;
    readonly keyPem: string;
    readonly now: number;
  },
  stockReplay: StockReplay,
): Pick<Redemption, 'sealedAnswer' | 'sealedUntil'> {
  const { id, grant, code, keyPem, now } = answer;
  const sealedAnswer = sealAnswer({
    code,
    grantUid: grant.uid,
    redemptionId: id,
    plaintext: Buffer.from(keyPem),
  });
  return { sealedAnswer, sealedUntil: now + stockReplay.windowMs };
}

/** Returns the sealed key of `redemption` in PEM; undefined if there is none, it has expired, or another code sealed it. */
export function openReplay(redemption: Redemption, code: Uint8Array, now: number): string | undefined {
  const { id, grantUid, sealedAnswer, sealedUntil } = redemption;
  if (sealedAnswer === null || sealedUntil === null || sealedUntil <= now) return undefined;
  const opened = openAnswer({ code, grantUid, redemptionId: id, sealed: sealedAnswer });
  return opened && Buffer.from(opened).toString();
}
