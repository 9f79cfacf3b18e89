import type { Stored } from '../api/resource.js';
import { type AccessGrantResource, timeOf } from './access-grant-resource.js';

const WINDOW_MS = 60_000;
const MOST_REWRITES = 3;
/** How long linkgrant leaves a status to another controller before it tries again, in milliseconds. */
export const FOREIGN_HOLD_MS = 600_000;

interface Rewrites {
  times: number[];
  heldUntil: number;
}

/** Notices grants whose url another controller writes again each time that linkgrant has written its own. */
export class ForeignRewrites {
  readonly #byUid = new Map<string, Rewrites>();

  /** True while a grant's url is left to another controller; else the caller may write its own, which is noted. */
  isLeft({ metadata, status = {} }: Stored<AccessGrantResource>, ownUrl: string, now: number): boolean {
    if (!status.url || status.url === ownUrl) return false;
    const rewrites = this.#byUid.get(metadata.uid) ?? { times: [], heldUntil: heldBefore(status) };
    this.#byUid.set(metadata.uid, rewrites);
    if (rewrites.heldUntil > now) return true;
    rewrites.times = [...rewrites.times.filter((time) => time > now - WINDOW_MS), now];
    if (rewrites.times.length <= MOST_REWRITES) return false;
    rewrites.times = [];
    rewrites.heldUntil = now + FOREIGN_HOLD_MS;
    return true;
  }

  forget(uid: string): void {
    this.#byUid.delete(uid);
  }
}

/** Who leads now goes by what the one before it said. */
function heldBefore({ conditions = [] }: NonNullable<AccessGrantResource['status']>): number {
  const said = conditions.find(({ type, status }) => type === 'ForeignController' && status === 'True');
  return (timeOf(said?.lastTransitionTime) ?? Number.NEGATIVE_INFINITY) + FOREIGN_HOLD_MS;
}
