import type { Stored } from '../api/resource.js';
import { timeOf } from '../api/timestamp.js';
import type { AccessGrantResource } from './access-grant-resource.js';

const WINDOW_MS = 60_000;
const MAX_REWRITES = 3;
/** How long linkgrant does not write a status that another controller overwrites, in milliseconds. */
export const FOREIGN_HOLD_MS = 600_000;

interface Rewrites {
  times: number[];
  heldUntil: number;
}

/** Detects grants whose `status.url` another controller overwrites after each write of linkgrant. */
export class ConflictingControllerDetector {
  readonly #byUid = new Map<string, Rewrites>();
  /** The url that linkgrant wrote last, by uid; absent once it was overwritten. */
  readonly #writtenUrls = new Map<string, string>();

  /** Call it after linkgrant has written its url into the status of a grant. */
  recordWrite(uid: string, url: string): void {
    this.#writtenUrls.set(uid, url);
  }

  /**
   * True while linkgrant must not write the status of a grant, because another controller owns it. False if the caller may
   * write linkgrant's url. A foreign url that replaced a written one is counted as a rewrite.
   */
  hasForeignOwner(
    { metadata, status = {} }: Stored<AccessGrantResource>,
    ownUrl: string,
    now: number,
  ): boolean {
    if (!status.url || status.url === ownUrl) return false;
    const rewrites = this.#byUid.get(metadata.uid) ?? { times: [], heldUntil: earlierHold(status) };
    this.#byUid.set(metadata.uid, rewrites);
    const remainingMs = rewrites.heldUntil - now;
    // A longer time means that the clock was set back.
    if (remainingMs > 0 && remainingMs <= FOREIGN_HOLD_MS) return true;
    const writtenUrl = this.#writtenUrls.get(metadata.uid);
    // After a change of the service's URL, the url in the status is linkgrant's until the write of the new one succeeds.
    if (writtenUrl === undefined || writtenUrl === status.url) return false;
    this.#writtenUrls.delete(metadata.uid);
    rewrites.times = [...rewrites.times.filter((time) => time > now - WINDOW_MS), now];
    if (rewrites.times.length <= MAX_REWRITES) return false;
    rewrites.times = [];
    rewrites.heldUntil = now + FOREIGN_HOLD_MS;
    return true;
  }

  forget(uid: string): void {
    this.#byUid.delete(uid);
    this.#writtenUrls.delete(uid);
  }
}

/** Until when a previous leader decided not to write the status, from the condition that it wrote. */
function earlierHold({ conditions = [] }: NonNullable<AccessGrantResource['status']>): number {
  const written = conditions.find(({ type, status }) => type === 'ForeignController' && status === 'True');
  return (timeOf(written?.lastTransitionTime) ?? Number.NEGATIVE_INFINITY) + FOREIGN_HOLD_MS;
}
