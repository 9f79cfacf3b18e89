import type { Logger } from 'pino';
import type { RouteOperation } from '../domain/listener-counts.js';
import type { AcceptingSide } from '../redemption/accepting/accepting-side.js';
import type { Networks } from '../redemption/accepting/cidr.js';
import type { Admission } from './admission.js';
import type { ConnectionTable } from './connection-table.js';
import type { UnprovenRequests } from './unproven-requests.js';
import type { WrongCodeCounter } from './wrong-code-counter.js';

/** The dependencies of the app of the public listener that all requests share. Created once, when the service starts. */
export interface RedemptionAppDependencies extends AcceptingSide {
  /** URL path that all routes are under; `/` for none. */
  readonly pathPrefix: string;
  readonly allowRedeemByKey: boolean;
  readonly trustedProxies: Networks;
  readonly bodyTimeoutMs: number;
  /**
   * Milliseconds after which the service responds with `store_unavailable`, from when it has read the body; absent if the store
   * limits the duration of its operations itself. The work on the request continues, so the store must stop recording redemptions
   * before this time.
   */
  readonly responseTimeoutMs?: number;
  /**
   * Waits for the listing of grants that the lookup of this uid requires, if any; absent where lookups require no listing.
   * Rejects with RedemptionError `overloaded` when too many requests wait for it, `store_unavailable` when it fails.
   */
  readonly prepareLookup?: (uid: string) => Promise<void>;
  readonly connections: ConnectionTable;
  readonly admission: Admission;
  readonly unprovenRequests: UnprovenRequests;
  readonly wrongCodes: WrongCodeCounter;
  readonly logger: Logger;
  readonly observer: RedemptionObserver;
}

/** Counts the responses, for metrics. `outcome` is that of a RequestOutcome. */
export interface RedemptionObserver {
  answered(operation: RouteOperation, outcome: string, milliseconds: number): void;
}
