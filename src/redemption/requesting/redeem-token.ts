/*
 * The requesting side of one redemption. Whatever run of whatever process does it, and wherever it dies, the same key is
 * posted, the first answer that was kept is the answer, and it is put in place from there: one token, one certificate.
 */

import type { AccessToken } from '../../domain/access-token.js';
import { type Link, type LinkSecret, mergeLink, PROXY_CONFIGURATION } from '../../domain/link.js';
import { encodeLinkDocuments } from '../../domain/link-resources.js';
import { isResourceName, isSubject } from '../../domain/names.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { describeCertificate } from '../../pki/certificate-info.js';
import { generateKeyPair, privateKeyPem, readPrivateKey } from '../../pki/keys.js';
import { createCertificateRequest } from '../../pki/requests.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { Checkpoint, Clock } from '../ports/clock.js';
import type { Materializer } from '../ports/materializer.js';
import type { OpenPendingRedemption, PendingRedemption } from '../ports/pending-redemption.js';
import type { AnswerContext, AnswerReader, ReceivedLink } from '../ports/redemption-client.js';
import { becauseOf, isPrivateKey, judgeKept, lost } from './damaged-redemption.js';
import { type PostingDependencies, postOnce, postOrReplay } from './post-token.js';
import { isKeyUnused } from './unused-key.js';

/** One token, and what is wanted of it. */
export interface RedeemTokenRequest {
  readonly token: AccessToken;
  /** Wanted Link and Secret name; absent means the token's name. */
  readonly name?: string | undefined;
  /** Wanted subject; absent means the chosen name. */
  readonly subject?: string | undefined;
  /** Cost of the Links, at least 1; absent means the token's, else the received one. */
  readonly linkCost?: number | undefined;
  /** Name of the Secret with the HTTP proxy that the router goes through, which the Links then name. */
  readonly proxyConfiguration?: string | undefined;
  /** True when the link will be renewed, and so a short-lived certificate will do. */
  readonly renews?: boolean | undefined;
  /** Refuses a link whose private key the server generated. */
  readonly ownKey?: boolean | undefined;
  /** Posts again to a server that may have counted an earlier posting. */
  readonly retry?: boolean | undefined;
}

/** What {@link redeemToken} works with; `checkpoint` is called wherever a run may die. */
export interface RedeemTokenDependencies extends PostingDependencies {
  readonly readAnswer: AnswerReader;
  readonly openPending: OpenPendingRedemption;
  readonly materializer: Materializer;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/** A link that is in place. */
export interface RedeemedToken extends ReceivedLink {
  /** As they were materialized, the key and the cost included. */
  readonly secret: LinkSecret;
  readonly links: readonly Link[];
  /** True when an earlier run had the answer, and no network was used. */
  readonly alreadyRedeemed: boolean;
  /** Where things were put, as the materializer calls it. */
  readonly written: readonly string[];
}

/** Under what the pending redemption of a token is kept: SHA-256 over its URL, a NUL and its code, lower-case hex. */
export function pendingRedemptionId(token: AccessToken): string {
  return sha256Hex(`${token.url}\0${token.code}`);
}

/**
 * Redeems a token and materializes its link; safe to repeat and to run many times at once. Rejects with RedemptionError:
 * what the service refused, what kept it from being reached, `outcome_unknown` when a server that counts every posting
 * was posted to and no answer is kept, or when what was kept is damaged and cannot be had again, `not_writable` before
 * anything is posted, `other_name` when a name is asked for and the token was redeemed under another one,
 * `server_generated_key` when the request demands its own key and the server generates it.
 */
export async function redeemToken(
  request: RedeemTokenRequest,
  deps: RedeemTokenDependencies,
): Promise<RedeemedToken> {
  const name = request.name ?? request.token.name;
  const subject = request.subject ?? name;
  if (!isResourceName(name))
    throw new RedemptionError('name_invalid', 'The link name is no RFC 1123 subdomain.');
  if (!isSubject(subject)) {
    throw new RedemptionError('subject_invalid', 'The subject must be 1 to 253 printable characters.');
  }
  const pending = await deps.openPending(pendingRedemptionId(request.token));
  const kept = await keptAnswer(pending, name, deps.materializer);
  const ask = () => checkServer(request, deps);
  // A service that is not reached, or refuses here already, leaves no key behind.
  const checked = kept === undefined ? await ask() : undefined;
  const makeKey = async () => privateKeyPem(await generateKeyPair('p256'));
  let made: string | undefined;
  const keptKey = await pending.ensureKey(async () => {
    made = await makeKey();
    return made;
  });
  const context = { privateKeyPem: keptKey, tokenUrl: request.token.url };
  const readKept = (text: string, now: number) =>
    deps.readAnswer(text, { ...context, now, name: request.name, kept: true });
  const earlier =
    kept === undefined ? undefined : await renewedSince(() => readKept(kept, 0), deps.materializer);
  if (earlier) return putInPlace(earlier, keptKey, true, request, pending, deps);
  const judged = kept === undefined ? undefined : judgeKept((now) => readKept(kept, now ?? deps.clock()));
  if (judged && typeof judged !== 'string') return putInPlace(judged, keptKey, true, request, pending, deps);

  const damage = judged === 'other-key' || !isPrivateKey(keptKey) ? 'key' : judged && 'answer';
  const damaged = damage && pending.places[damage];
  await deps.checkpoint('key-created');
  const check =
    checked ??
    (await ask().catch((error: unknown) => {
      throw damaged === undefined ? error : becauseOf(damaged, error);
    }));
  const counts = check === 'stock';
  const retry = request.retry ?? false;
  if (damage !== undefined && !retry) {
    // A server that counts every posting makes its own key; one that does not gives its answer to the same key again.
    const isLost = counts
      ? kept !== undefined
      : damage === 'key' && (kept !== undefined || check.redemptions > 0);
    if (isLost) throw lost(pending.places[counts ? 'answer' : 'key']);
  }
  const keyPem = damage === 'key' ? await pending.replaceKey(keptKey, await makeKey()) : keptKey;
  if (kept !== undefined && (counts || damage === 'key')) await pending.discardAnswer(kept);

  const csrDer = createCertificateRequest(readPrivateKey(keyPem), subject);
  const redemption = { token: request.token, name, subject, csrDer, renews: request.renews };
  const posting = counts ? postOnce(redemption, { pending, retry }, deps) : postOrReplay(redemption, deps);
  const posted = await posting.catch(async (error: unknown) => {
    // That it could not be tidied up says less than the refusal.
    if (isKeyUnused(error, { isNew: keyPem === made })) await pending.discardKey(keyPem).catch(() => {});
    throw error;
  });
  const read = (text: string, options: Pick<AnswerContext, 'name' | 'kept' | 'requiresOwnKey'>) =>
    deps.readAnswer(text, { ...context, privateKeyPem: keyPem, now: deps.clock(), ...options });
  const answer = posted.earlier
    ? posted.text
    : await keep(read(posted.text, { name, kept: false, requiresOwnKey: !counts }), kept, pending, deps);
  return putInPlace(read(answer, { name: request.name, kept: true }), keyPem, false, request, pending, deps);
}

/** What the service of the token reports. A stock server is refused here, before it counts a use, if the key must be our own. */
async function checkServer(
  { token, ownKey }: RedeemTokenRequest,
  { client, stopping }: RedeemTokenDependencies,
) {
  try {
    const check = await client.check(token, stopping);
    if (check === 'stock' && ownKey) {
      throw new RedemptionError(
        'server_generated_key',
        'The server is a Skupper grant server, which generates the private key itself; nothing was posted.',
      );
    }
    return check;
  } catch (error) {
    // Then it was given up, whatever that looks like.
    stopping?.throwIfAborted();
    throw error;
  }
}

/** The answer of an earlier run. If there is none, the link's place is sure to be free and writable. */
async function keptAnswer(
  pending: PendingRedemption,
  name: string,
  materializer: Materializer,
): Promise<string | undefined> {
  const kept = await pending.findAnswer();
  if (kept !== undefined) return kept;
  try {
    await materializer.probe(name);
    return undefined;
  } catch (error) {
    // What is in the way may be what a run beside this one has just put there, and that keeps its answer first.
    const keptSince = await pending.findAnswer();
    if (keptSince === undefined) throw error;
    return keptSince;
  }
}

/** What was redeemed, its certificate perhaps ended by now, if the link was renewed since. */
async function renewedSince(
  read: () => ReceivedLink,
  materializer: Materializer,
): Promise<ReceivedLink | undefined> {
  let received: ReceivedLink;
  try {
    received = read();
  } catch {
    // What is wrong with it is told by those who need it.
    return undefined;
  }
  return (await materializer.findRenewed(received.secret)) && received;
}

/** Keeps an answer, in the place of a damaged one if there is one; gives what is kept then. */
async function keep(
  received: ReceivedLink,
  damaged: string | undefined,
  pending: PendingRedemption,
  deps: RedeemTokenDependencies,
): Promise<string> {
  await deps.checkpoint('answer-received');
  const text = encodeLinkDocuments(received.secret, received.links);
  const kept =
    damaged === undefined ? await pending.keepAnswer(text) : await pending.replaceAnswer(damaged, text);
  await deps.checkpoint('answer-stored');
  return kept;
}

async function putInPlace(
  received: ReceivedLink,
  keyPem: string,
  alreadyRedeemed: boolean,
  { token, linkCost, proxyConfiguration, ownKey }: RedeemTokenRequest,
  pending: PendingRedemption,
  deps: RedeemTokenDependencies,
): Promise<RedeemedToken> {
  if (ownKey && received.source === 'stock') {
    throw new RedemptionError(
      'server_generated_key',
      'The token was redeemed before, and the server generated the private key of its link.',
    );
  }
  const redeemed = { ...received.secret, tlsKey: received.secret.tlsKey ?? keyPem };
  const overrides = {
    cost: linkCost,
    settings: proxyConfiguration === undefined ? undefined : { [PROXY_CONFIGURATION]: proxyConfiguration },
  };
  const ofToken = { cost: linkCost ?? token.linkCost, settings: overrides.settings };
  const links = received.links.map((link) => mergeLink(link, {}, ofToken));
  const written = await deps.materializer.materialize(redeemed, links, deps.checkpoint, overrides);
  const renewed = await deps.materializer.findRenewed(redeemed);
  const secret = renewed ?? redeemed;
  const certificate = renewed ? describeCertificate(renewed.tlsCrt) : received.certificate;
  await pending.keepOutcome({
    redeemedAt: new Date(deps.clock()).toISOString(),
    redemptionId: received.redemptionId ?? null,
    source: received.source,
    secret: secret.name,
    links: links.map((link) => link.name),
    certificateSerial: certificate.serial,
    certificateNotAfter: new Date(certificate.notAfter).toISOString(),
    written,
  });
  await deps.checkpoint('outcome-written');
  return { ...received, secret, certificate, links, alreadyRedeemed, written };
}
