import { setTimeout as sleep } from 'node:timers/promises';
import { readAnswer, readAnswerCertificate } from '../client/answer-reader.js';
import { DEFAULT_TIMEOUT_MS, type ServiceConnectionOptions } from '../client/connection.js';
import { createRedemptionClient } from '../client/https-redemption-client.js';
import { refusalWith } from '../client/refusals.js';
import type { RedeemableToken } from '../domain/access-token.js';
import type { RedemptionError } from '../domain/redemption-error.js';
import { BootstrapRecords } from '../platforms/files/bootstrap-records.js';
import { type DirectoryOptions, directoryMaterializer } from '../platforms/files/directory-materializer.js';
import { PendingReload } from '../platforms/files/pending-reload.js';
import { type PlacedLink, placedLinks } from '../platforms/files/placed-links.js';
import { pendingDirectories, placedSecretName } from '../platforms/standalone/pending-directory.js';
import { requestDirectory } from '../platforms/standalone/request-directory.js';
import { streamMaterializer } from '../platforms/standalone/stream-materializer.js';
import { RequestingSite } from '../platforms/system/requesting-site.js';
import { SkupperHome } from '../platforms/system/skupper-home.js';
import type { Checkpoint } from '../redemption/ports/clock.js';
import type { LinkRequestStore } from '../redemption/ports/link-requests.js';
import type { Materializer } from '../redemption/ports/materializer.js';
import type { OpenPendingRedemption } from '../redemption/ports/pending-redemption.js';
import type { RedemptionClient, TokenCheck } from '../redemption/ports/redemption-client.js';
import { type AcceptAnswerRequest, acceptAnswer } from '../redemption/requesting/accept-answer.js';
import { rulesRefusal } from '../redemption/requesting/check-rules.js';
import { checkToken, withKeyTypes } from '../redemption/requesting/check-token.js';
import { identityClient, type SiteIdentity } from '../redemption/requesting/identity-client.js';
import type { MaterializedLink } from '../redemption/requesting/materialize-link.js';
import {
  pendingRedemptionId,
  type RedeemedToken,
  type RedeemTokenRequest,
  redeemToken,
} from '../redemption/requesting/redeem-token.js';
import { inSpan } from '../tracing/span.js';

export { routeTo } from '../client/route.js';
export { linkProxy } from '../platforms/files/link-resource.js';
export type { ReloadOutcome } from '../platforms/files/pending-reload.js';
export type { InputToken, LoadedState } from '../platforms/system/requesting-site.js';
export type { PlacedLink, RequestingSite, ServiceConnectionOptions };
export { directoryMaterializer, readAnswerCertificate, requestDirectory, streamMaterializer };

const TIMEOUT_MARGIN_MS = 5_000;

/** The target of a router's links, and the reload that is pending there. */
export interface LinkLocation {
  readonly materializer: Materializer;
  /** Returns the links that linkgrant wrote, if they are complete and valid. */
  links(): PlacedLink[] | Promise<PlacedLink[]>;
  /** The reload of the router after changes; absent if the router needs none. */
  readonly reload?: Pick<PendingReload, 'settle'>;
  /** Records the link of each token source and the confirmed links; absent if the links show both themselves. */
  readonly records?: Pick<BootstrapRecords, 'find' | 'store' | 'isConfirmed' | 'confirm'>;
}

/** Opens the redemption of tokens, with its state in the data directory. */
export function openTokenRedemption(
  dataDir: string,
  options: ServiceConnectionOptions & { readonly checkpoint: Checkpoint },
) {
  const { clock } = options;
  const linkRequests = requestDirectory(dataDir);
  return {
    /** The links in a directory whose router has to be reloaded; `patienceMs` is that of {@link PendingReload}. */
    openLocation(
      directory: string,
      directoryOptions: DirectoryOptions,
      patienceMs?: () => number,
    ): LinkLocation {
      const reload = new PendingReload(dataDir, directory, patienceMs);
      return {
        materializer: reload.materializer(clock, directoryOptions),
        links: () => placedLinks(directory, clock()),
        reload,
        records: new BootstrapRecords(dataDir, directory),
      };
    },
    linkRequests,
    /** Name of the Secret of a token's link; undefined until the link is materialized completely. */
    findSecretName: (token: RedeemableToken) => placedSecretName(dataDir, pendingRedemptionId(token)),
    ...redemptionsWith({ openPending: pendingDirectories(dataDir, clock), linkRequests }, options),
  };
}

/**
 * Redeems a token. The time limit of an exchange is `limitMs`, else that of the options. `limitMs` also limits the wait for a
 * concurrent run.
 */
export type Redeem = (
  request: RedeemTokenRequest,
  materializer: Materializer,
  limitMs?: number,
) => Promise<RedeemedToken>;

/** Where a redeemer stores the state of redemptions, and finds the keys of bound tokens. */
interface RedemptionState {
  readonly openPending: OpenPendingRedemption;
  readonly linkRequests?: LinkRequestStore;
}

/** Accepts an answer file. */
export type Accept = (request: AcceptAnswerRequest, materializer: Materializer) => Promise<MaterializedLink>;

/** Creates what a site with waiting requests redeems with: tokens, and answer files. */
export function redemptionsWith(
  state: Required<RedemptionState>,
  options: ServiceConnectionOptions & { readonly checkpoint: Checkpoint },
): { readonly redeem: Redeem; readonly accept: Accept } {
  const { clock, checkpoint } = options;
  return {
    redeem: redeemer(state, options),
    accept: (request, materializer) =>
      acceptAnswer(request, { ...state, readAnswer, readAnswerCertificate, materializer, clock, checkpoint }),
  };
}

/** Creates the redeemer of tokens with this state. */
export function redeemer(
  state: RedemptionState,
  options: ServiceConnectionOptions & {
    readonly checkpoint: Checkpoint;
    /** Resolves after that many milliseconds; a rejection ends the redemption. */
    readonly wait?: (milliseconds: number) => Promise<void>;
    /** After its abort no request is sent. */
    readonly stopping?: AbortSignal;
  },
): Redeem {
  const { clock, checkpoint, wait = sleep, stopping, runWork = (work) => work() } = options;
  const redeem: Redeem = (request, materializer, limitMs) =>
    redeemToken(request, {
      client: clientFor(request.identity, {
        ...options,
        timeoutMs: limitMs ?? options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      }),
      longestWaitMs: limitMs,
      readAnswer: (text, context) => runWork(() => readAnswer(text, context)),
      ...state,
      materializer,
      clock,
      checkpoint,
      wait,
      stopping,
      // A concurrent run has the default limit, even if this exchange has a shorter one.
      postingLimitMs: (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + TIMEOUT_MARGIN_MS,
    });
  return (...parameters) => inSpan({ name: 'redeem token', startsTrace: true }, () => redeem(...parameters));
}

/** The site of a namespace below Skupper's data directory. */
export function openRequestingSite(skupperHome: string, namespace: string): RequestingSite {
  return new RequestingSite(new SkupperHome(skupperHome).namespace(namespace));
}

/** Names of the namespaces below Skupper's data directory, sorted. */
export function namespacesIn(skupperHome: string): string[] {
  return new SkupperHome(skupperHome).namespaces();
}

/** What proves a token in addition to its code. */
export interface TokenProof {
  /** The request that would redeem a bound token, or a token without a code. */
  readonly csrDer?: Uint8Array | undefined;
  /** The identity that redeems a token without a code. */
  readonly identity?: SiteIdentity | undefined;
}

/** Queries the state of a token's grant; see {@link checkToken}. */
export function queryToken(
  token: RedeemableToken,
  options: ServiceConnectionOptions,
  { csrDer, identity }: TokenProof = {},
): Promise<TokenCheck | 'stock'> {
  return checkToken({ token }, clientFor(identity, options), { csrDer });
}

function clientFor(identity: SiteIdentity | undefined, options: ServiceConnectionOptions): RedemptionClient {
  const client = createRedemptionClient(options);
  return identity ? identityClient(client, identity, options.clock) : client;
}

/** Returns the error that a redemption would have by the rules of the grant; undefined if they allow it. See `rulesRefusal`. */
export function checkRules(request: RedeemTokenRequest, check: TokenCheck): RedemptionError | undefined {
  const code = rulesRefusal(request, check);
  return code && withKeyTypes(refusalWith(code), check);
}
