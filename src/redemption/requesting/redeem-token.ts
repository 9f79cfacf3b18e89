/*
 * The requesting side of one redemption. Every run posts the same key and materializes the response that was stored first. So
 * a token leads to one certificate, even if runs are concurrent or crash at any point.
 */

import { needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { encodeLinkDocuments } from '../../domain/link-resources.js';
import { isResourceName, isSubject } from '../../domain/names.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { LinkRequestStore } from '../ports/link-requests.js';
import type { Materializer } from '../ports/materializer.js';
import type { OpenPendingRedemption, PendingRedemption } from '../ports/pending-redemption.js';
import { type AnswerReader, OtherKey, type ReceivedLink } from '../ports/redemption-client.js';
import { checkToken, isLinkgrantToken, withKeyTypes } from './check-token.js';
import type { SiteIdentity } from './identity-client.js';
import { type KeyedLink, type MaterializedLink, materializeLink } from './materialize-link.js';
import { type PostingDependencies, possiblyCounted, postOnce, postOrReplay } from './post-token.js';
import { boundKeyOf, csrFor, isKeyFor, isKeyProven, keyFor } from './redemption-key.js';
import { isKeyUnused } from './retry-disposition.js';

/** A token to redeem, and the requested link. */
export interface RedeemTokenRequest {
  readonly token: RedeemableToken;
  /** Requested name of the Link and the Secret; absent means the token's name. */
  readonly name?: string | undefined;
  /** Requested subject; absent means the requested name, or, with `identity`, the service's default for this identity. */
  readonly subject?: string | undefined;
  /** Cost of the Links, at least 1; absent means the token's, else the received one. */
  readonly linkCost?: number | undefined;
  /** Name of the Secret with the HTTP proxy that the router connects through; the Links get it as a setting. */
  readonly proxyConfiguration?: string | undefined;
  /** True if the link will be renewed, so its certificate can be short-lived. */
  readonly renews?: boolean | undefined;
  /** True to reject a link whose private key the server generated. A token of linkgrant needs no such option. */
  readonly ownKey?: boolean | undefined;
  /** PEM of the key that the token is bound to; absent for that of a waiting request of this site. */
  readonly keyPem?: string | undefined;
  /** The identity that redeems a token without a code; the client of the redemption posts it. */
  readonly identity?: SiteIdentity | undefined;
  /** True to post even if an earlier posting may have been counted, or if the stored key or response is damaged. */
  readonly retry?: boolean | undefined;
}

/** Dependencies of {@link redeemToken}. */
export interface RedeemTokenDependencies extends PostingDependencies {
  readonly readAnswer: AnswerReader;
  readonly openPending: OpenPendingRedemption;
  /** The waiting requests of this site, which have the keys of bound tokens; absent if it redeems none. */
  readonly linkRequests?: LinkRequestStore | undefined;
  readonly materializer: Materializer;
}

/** The link of a redeemed token. */
export interface RedeemedToken extends MaterializedLink {
  /** The token. Its code is a secret, unless it is bound to a key. */
  readonly token: RedeemableToken;
}

/**
 * Id of a token's pending redemption: SHA-256 over its URL, a NUL and its code, lower-case hex. Without a code, it is over the URL
 * and the name of the link, because identity tokens rotate.
 */
export function pendingRedemptionId({ url, code, name }: RedeemableToken): string {
  return sha256Hex(needsIdentity({ code }) ? `identity\0${url}\0${name}` : `${url}\0${code}`);
}

/**
 * Redeems a token and materializes its link. Safe to repeat and to run concurrently. Rejects with RedemptionError: a refusal of
 * the service, a connection failure, `not_writable` before anything is posted, `outcome_unknown` if an earlier posting may have
 * been counted and its response is lost or damaged, `link_ended` if an earlier run redeemed the token and the certificate has
 * expired, `other_name` if the token was redeemed under another name than the requested one, `server_generated_key` if
 * the server generates the key, with `ownKey` or for a token of linkgrant.
 */
export async function redeemToken(
  request: RedeemTokenRequest,
  deps: RedeemTokenDependencies,
): Promise<RedeemedToken> {
  const names = requestedNames(request);
  const pending = await deps.openPending(pendingRedemptionId(request.token));
  const answer = await findAnswer(pending, names.name, deps.materializer);
  const earlier = answer === undefined ? undefined : await readEarlierLink(answer, request, pending, deps);
  if (earlier) return materialize(earlier, true, request, pending, deps);
  const provenKey = isKeyProven(request.token) ? await ensureKey(request, pending, deps) : undefined;
  const checkedCsr = provenKey && csrFor(request.token, provenKey.keyPem, names);
  // Check before another key is created, so that no key remains if the service is unreachable or refuses the check.
  const check = await checkServer(request, checkedCsr, deps);
  if (answer !== undefined) await pending.discard('answer', answer);
  const key = provenKey ?? (await ensureKey(request, pending, deps));
  await deps.checkpoint('key-created');
  const posting = { ...names, ...key, isStock: check === 'stock' };
  const received = await postRedemption(posting, request, pending, deps).catch((error) => {
    throw withKeyTypes(error, check);
  });
  return materialize({ received, keyPem: key.keyPem }, false, request, pending, deps);
}

interface LinkNames {
  readonly name: string;
  /** Undefined for the service's default. */
  readonly subject: string | undefined;
}

/** Returns the name and the subject that a redemption requests. Throws RedemptionError `name_invalid` or `subject_invalid`. */
export function requestedNames(request: RedeemTokenRequest): LinkNames {
  const name = request.name ?? request.token.name;
  const subject = request.subject ?? (needsIdentity(request.token) ? undefined : name);
  if (!isResourceName(name))
    throw new RedemptionError('name_invalid', 'The link name is not an RFC 1123 subdomain.');
  if (subject !== undefined && !isSubject(subject)) {
    throw new RedemptionError('subject_invalid', 'The subject must be 1 to 253 printable characters.');
  }
  return { name, subject };
}

/** Returns the response that an earlier run stored. If there is none, rejects if a link called `name` cannot be materialized. */
async function findAnswer(
  pending: PendingRedemption,
  name: string,
  materializer: Materializer,
): Promise<string | undefined> {
  const stored = await pending.findAnswer();
  if (stored !== undefined) return stored;
  try {
    await materializer.probe(name);
    return undefined;
  } catch (error) {
    // A concurrent run may have materialized the link just now, and has stored the response before.
    const storedMeanwhile = await pending.findAnswer();
    if (storedMeanwhile === undefined) throw error;
    return storedMeanwhile;
  }
}

/**
 * Returns the link of a stored response. If the response is not valid for the stored key, returns undefined with `retry`, else
 * rejects with `outcome_unknown`. Rejects with `link_ended` if the certificate has expired and the link was not renewed.
 */
async function readEarlierLink(
  answer: string,
  request: RedeemTokenRequest,
  pending: PendingRedemption,
  { readAnswer, materializer, clock, linkRequests }: RedeemTokenDependencies,
): Promise<KeyedLink | undefined> {
  const { token, name, retry } = request;
  const keyPem = await pending.ensureKey(() => keyFor(request, linkRequests));
  const context = { privateKeyPem: keyPem, tokenUrl: token.url, name, isStored: true };
  let received: ReceivedLink;
  try {
    // At time 0 no certificate has expired: the expiry only matters if the link was not renewed, and is checked below.
    received = readAnswer(answer, { ...context, now: 0 });
  } catch (error) {
    if (!isInvalidAnswer(error)) throw error;
    if (retry) return undefined;
    const isKeyDamaged = error.cause instanceof OtherKey || !isKeyFor(token, keyPem);
    throw damagedError(pending.places[isKeyDamaged ? 'key' : 'answer']);
  }
  if (await materializer.findRenewed(received.secret)) return { received, keyPem };
  try {
    return { received: readAnswer(answer, { ...context, now: clock() }), keyPem };
  } catch (cause) {
    if (!isInvalidAnswer(cause)) throw cause;
    const message = 'The token was redeemed before, and the certificate of its link has expired.';
    throw new RedemptionError('link_ended', message, { cause });
  }
}

function isInvalidAnswer(error: unknown): error is RedemptionError {
  return error instanceof RedemptionError && error.code === 'answer_invalid';
}

function damagedError(place: string): RedemptionError {
  return new RedemptionError(
    'outcome_unknown',
    `${place} is damaged or was replaced, and the code may have been posted before. Restore it from a backup, or redeem the token again with --retry.`,
  );
}

/** Returns the service's response to a check of the token. */
async function checkServer(
  request: RedeemTokenRequest,
  csrDer: Uint8Array | undefined,
  { client, stopping }: RedeemTokenDependencies,
) {
  try {
    return await checkToken(request, client, { csrDer, signal: stopping });
  } catch (error) {
    // An aborted exchange fails as a broken connection does.
    stopping?.throwIfAborted();
    throw error;
  }
}

/** Returns the stored key, or stores one. If the stored key is damaged, replaces it with `retry`, else rejects. */
async function ensureKey(
  request: RedeemTokenRequest,
  pending: PendingRedemption,
  { linkRequests }: RedeemTokenDependencies,
): Promise<{ readonly keyPem: string; readonly isNew: boolean }> {
  const { token, retry } = request;
  let created: string | undefined;
  const create = async () => {
    created = await keyFor(request, linkRequests);
    return created;
  };
  let keyPem = await pending.ensureKey(create);
  if (!isKeyFor(token, keyPem) && retry) {
    await pending.discard('key', keyPem);
    keyPem = await pending.ensureKey(create);
  }
  if (!isKeyFor(token, keyPem)) throw damagedError(pending.places.key);
  return { keyPem, isNew: keyPem === created };
}

/** Posts the code, and returns the link of the response that was stored first, by this run or a concurrent one. */
async function postRedemption(
  posting: LinkNames & { readonly keyPem: string; readonly isNew: boolean; readonly isStock: boolean },
  { token, name: requestedName, renews, retry = false }: RedeemTokenRequest,
  pending: PendingRedemption,
  deps: RedeemTokenDependencies,
): Promise<ReceivedLink> {
  const { name, subject, keyPem, isNew, isStock } = posting;
  const csrDer = csrFor(token, keyPem, posting);
  const redemption = { token, name, subject, csrDer, renews };
  const context = { privateKeyPem: keyPem, tokenUrl: token.url };
  const readStored = (text: string) =>
    deps.readAnswer(text, { ...context, name: requestedName, isStored: true, now: deps.clock() });
  const readPosted = (text: string) => {
    const expected = { name, isStored: false, requiresOwnKey: !isStock, now: deps.clock() };
    try {
      return deps.readAnswer(text, { ...context, ...expected });
    } catch (error) {
      throw isStock && isInvalidAnswer(error) ? possiblyCounted(error) : error;
    }
  };
  try {
    const posted = isStock
      ? await postOnce(redemption, { pending, retry }, deps)
      : await postOrReplay(redemption, deps);
    if (posted.isStored) return readStored(posted.text);
    const { secret, links } = readPosted(posted.text);
    await deps.checkpoint('answer-received');
    const stored = await pending.storeAnswer(encodeLinkDocuments(secret, links));
    await deps.checkpoint('answer-stored');
    return readStored(stored);
  } catch (error) {
    // Report the refusal even if the key cannot be removed.
    if (isNew && isKeyUnused(error)) await pending.discardUnusedKey(keyPem).catch(() => {});
    throw error;
  }
}

async function materialize(
  keyed: KeyedLink,
  alreadyRedeemed: boolean,
  { token, linkCost, proxyConfiguration, ownKey }: RedeemTokenRequest,
  pending: PendingRedemption,
  deps: RedeemTokenDependencies,
): Promise<RedeemedToken> {
  if (keyed.received.source === 'stock' && (ownKey || isLinkgrantToken(token))) {
    throw new RedemptionError(
      'server_generated_key',
      'The token was redeemed before, and the server generated the private key of its link.',
    );
  }
  const fields = { linkCost, tokenLinkCost: token.linkCost, proxyConfiguration, boundKey: boundKeyOf(token) };
  return { ...(await materializeLink(keyed, { alreadyRedeemed, ...fields }, pending, deps)), token };
}
