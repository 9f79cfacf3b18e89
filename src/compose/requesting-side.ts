import { setTimeout as sleep } from 'node:timers/promises';
import { readAnswer } from '../client/answer-reader.js';
import {
  createRedemptionClient,
  DEFAULT_TIMEOUT_MS,
  type RedemptionClientOptions,
} from '../client/redemption-client.js';
import type { AccessToken } from '../domain/access-token.js';
import { BootstrapNotes } from '../platforms/files/bootstrap-notes.js';
import { type DirectoryPlacing, directoryMaterializer } from '../platforms/files/directory-materializer.js';
import { PendingReload } from '../platforms/files/pending-reload.js';
import { type PlacedLink, placedLinks } from '../platforms/files/placed-links.js';
import { pendingDirectories, placedSecretName } from '../platforms/standalone/pending-directory.js';
import { streamMaterializer } from '../platforms/standalone/stream-materializer.js';
import { RequestingSite } from '../platforms/system/requesting-site.js';
import { SkupperHome } from '../platforms/system/skupper-home.js';
import type { Checkpoint } from '../redemption/ports/clock.js';
import type { Materializer } from '../redemption/ports/materializer.js';
import type { OpenPendingRedemption } from '../redemption/ports/pending-redemption.js';
import type { TokenCheck } from '../redemption/ports/redemption-client.js';
import {
  pendingRedemptionId,
  type RedeemedToken,
  type RedeemTokenRequest,
  redeemToken,
} from '../redemption/requesting/redeem-token.js';

export type { ReloadOutcome } from '../platforms/files/pending-reload.js';
export type { InputToken, LoadedState } from '../platforms/system/requesting-site.js';
export type { PlacedLink, RequestingSite };

const PATIENCE_MARGIN_MS = 5_000;

/** How the requesting side reaches a service. */
export type RequestingSideOptions = RedemptionClientOptions;

/** Where a router reads its links from, with the reload that changes there make necessary. */
export interface LinkPlace {
  readonly materializer: Materializer;
  /** The whole, valid links of linkgrant's that are in it now. */
  links(): PlacedLink[] | Promise<PlacedLink[]>;
  /** See {@link PendingReload.settle}. */
  settleReload: PendingReload['settle'];
  /** Which link a token's place has led to here. */
  readonly notes: Pick<BootstrapNotes, 'find' | 'keep' | 'isConfirmed' | 'confirm'>;
}

/** The requesting side with what it keeps in the data directory. */
export function openRequestingSide(
  dataDir: string,
  options: RequestingSideOptions & { readonly checkpoint: Checkpoint },
) {
  const { clock } = options;
  return {
    toDirectory: (directory: string, placing?: DirectoryPlacing) =>
      directoryMaterializer(directory, clock, placing),
    toStream: streamMaterializer,
    /** The place of links in a directory whose reader has to be reloaded; `patienceMs` is that of {@link PendingReload}. */
    place(directory: string, placing: DirectoryPlacing, patienceMs?: () => number): LinkPlace {
      const reload = new PendingReload(dataDir, directory, sleep, patienceMs);
      return {
        materializer: reload.materializer(clock, placing),
        links: () => placedLinks(directory, clock()),
        settleReload: (acts, at) => reload.settle(acts, at),
        notes: new BootstrapNotes(dataDir, directory),
      };
    },
    /** Name of the Secret that this token's link was put in place under, whole, by this or an earlier run. */
    findPlacedName: (token: AccessToken) => placedSecretName(dataDir, pendingRedemptionId(token)),
    redeem: redeemer(pendingDirectories(dataDir, clock), options),
  };
}

/** Redeems with the side's own limit on an exchange, or with `limitMs`, also on the wait for a run beside this one. */
export type Redeem = (
  request: RedeemTokenRequest,
  materializer: Materializer,
  limitMs?: number,
) => Promise<RedeemedToken>;

/** A side that redeems, with what `openPending` keeps of each redemption. */
export function redeemer(
  openPending: OpenPendingRedemption,
  options: RequestingSideOptions & {
    readonly checkpoint: Checkpoint;
    /** Resolves after so many milliseconds; a rejection ends what is under way. */
    readonly wait?: (milliseconds: number) => Promise<void>;
    /** Nothing is asked of a service any more once it is aborted. */
    readonly stopping?: AbortSignal;
  },
): Redeem {
  const { clock, checkpoint, wait = sleep, stopping } = options;
  return (request, materializer, limitMs) =>
    redeemToken(request, {
      client: createRedemptionClient({
        ...options,
        timeoutMs: limitMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      }),
      longestWaitMs: limitMs,
      readAnswer,
      openPending,
      materializer,
      clock,
      checkpoint,
      wait,
      stopping,
      // A run beside this one may take as long as the side allows, whatever this exchange may.
      patienceMs: (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + PATIENCE_MARGIN_MS,
    });
}

/** The site of a namespace below Skupper's data directory. */
export function openRequestingSite(skupperHome: string, namespace: string): RequestingSite {
  return new RequestingSite(new SkupperHome(skupperHome).namespace(namespace));
}

/** Names of the namespaces below Skupper's data directory, sorted. */
export function namespacesIn(skupperHome: string): string[] {
  return new SkupperHome(skupperHome).namespaces();
}

/** Tells tokens apart, without telling anything of their codes. */
export const tokenId = pendingRedemptionId;

/** Asks the service of a token for the state of its grant. */
export function checkToken(
  token: AccessToken,
  options: RequestingSideOptions,
): Promise<TokenCheck | 'stock'> {
  return createRedemptionClient(options).check(token);
}
