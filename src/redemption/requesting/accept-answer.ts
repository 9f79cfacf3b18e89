/*
 * The requesting side of a redemption without a network: a file has the response that a service would send. It is verified as
 * such a response, and then takes the same steps, so that a run after a crash at any point completes the link.
 */

import { SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../../domain/labels.js';
import { encodeLinkDocuments } from '../../domain/link-resources.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { sha256Hex } from '../../pki/sha256.js';
import type { Checkpoint, Clock } from '../ports/clock.js';
import type { LinkRequestStore } from '../ports/link-requests.js';
import type { Materializer } from '../ports/materializer.js';
import type { OpenPendingRedemption, PendingRedemption } from '../ports/pending-redemption.js';
import type { AnswerCertificateReader, AnswerReader, ReceivedLink } from '../ports/redemption-client.js';
import { type MaterializedLink, type MaterializingRequest, materializeLink } from './materialize-link.js';
import { findLinkRequest } from './waiting-requests.js';

/** An answer file to accept. */
export interface AcceptAnswerRequest extends Pick<MaterializingRequest, 'linkCost' | 'proxyConfiguration'> {
  /** The content of the file. */
  readonly text: string;
  /** PEM of the key of the request; absent for that of a waiting request of this site. */
  readonly keyPem?: string | undefined;
  /** Origin of the only renewal URL that the link may have; absent for a link without one. */
  readonly renewalOrigin?: string | undefined;
  /** Called with the verified link of a new answer. If it rejects, nothing is stored. */
  readonly confirm: (link: ReceivedLink) => Promise<void>;
}

/** Dependencies of {@link acceptAnswer}. */
export interface AcceptAnswerDependencies {
  readonly readAnswer: AnswerReader;
  readonly readAnswerCertificate: AnswerCertificateReader;
  readonly openPending: OpenPendingRedemption;
  readonly linkRequests: LinkRequestStore;
  readonly materializer: Materializer;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/**
 * Materializes the link of an answer file. Safe to repeat and to run concurrently. Rejects with RedemptionError: `key_missing` if no
 * waiting request has the key of its certificate, `answer_invalid` with the reason, `link_ended` if an earlier run accepted it and
 * its certificate has expired, and as the materializer does.
 */
export async function acceptAnswer(
  request: AcceptAnswerRequest,
  deps: AcceptAnswerDependencies,
): Promise<MaterializedLink> {
  const { keySha256, redemptionId } = deps.readAnswerCertificate(request.text);
  const pending = await deps.openPending(sha256Hex(`answer\0${keySha256}`));
  const stored = await pending.findAnswer();
  const answer = stored ?? (await storeAnswer(request, keySha256, pending, deps));
  const keyPem = await pending.ensureKey(() => requireKey(request, keySha256, deps));
  const received = await readStored(answer, keyPem, deps);
  if (received.redemptionId !== redemptionId) {
    throw invalidAnswer('another answer for this request was accepted before');
  }
  const options = { ...request, alreadyRedeemed: stored !== undefined, boundKey: keySha256 };
  return materializeLink({ received, keyPem }, options, pending, deps);
}

/** Verifies and stores a new answer. Returns the stored one, which a concurrent run may have stored. */
async function storeAnswer(
  request: AcceptAnswerRequest,
  keySha256: string,
  pending: PendingRedemption,
  deps: AcceptAnswerDependencies,
): Promise<string> {
  const { text, renewalOrigin } = request;
  const keyPem = await requireKey(request, keySha256, deps);
  const received = deps.readAnswer(text, {
    privateKeyPem: keyPem,
    tokenUrl: renewalOrigin,
    isStored: false,
    requiresOwnKey: true,
    now: deps.clock(),
  });
  const link = renewalOrigin === undefined ? withoutRenewal(received) : received;
  if (renewalOrigin !== undefined && link.secret.annotations?.[SECRET_RENEWAL_URL] === undefined) {
    throw invalidAnswer(`it has no renewal URL at ${renewalOrigin}`);
  }
  await request.confirm(link);
  await deps.materializer.probe(link.secret.name);
  await pending.ensureKey(async () => keyPem);
  await deps.checkpoint('key-created');
  const stored = await pending.storeAnswer(encodeLinkDocuments(link.secret, link.links));
  await deps.checkpoint('answer-stored');
  return stored;
}

/** The annotations of a renewal come from a file that is not authenticated, so only the user can choose the service. */
function withoutRenewal(received: ReceivedLink): ReceivedLink {
  const {
    [SECRET_RENEWAL_URL]: _url,
    [SECRET_SERVER_CA]: _ca,
    ...annotations
  } = received.secret.annotations ?? {};
  return { ...received, secret: { ...received.secret, annotations } };
}

async function requireKey(
  { keyPem }: AcceptAnswerRequest,
  keySha256: string,
  { linkRequests }: AcceptAnswerDependencies,
): Promise<string> {
  const found = keyPem ?? (await findLinkRequest(keySha256, linkRequests))?.keyPem;
  if (found !== undefined) return found;
  throw new RedemptionError(
    'key_missing',
    `The answer is for another request: no request in ${linkRequests.place} has its key.`,
  );
}

/** Reads a stored answer. Its expiry matters only if the link was not renewed. */
async function readStored(
  answer: string,
  privateKeyPem: string,
  { readAnswer, materializer, clock }: AcceptAnswerDependencies,
): Promise<ReceivedLink> {
  const context = { privateKeyPem, isStored: true, requiresOwnKey: true };
  const received = readAnswer(answer, { ...context, now: 0 });
  const isEnded = received.certificate.notAfter <= clock();
  if (!isEnded || (await materializer.findRenewed(received.secret))) return received;
  throw new RedemptionError(
    'link_ended',
    'The answer was accepted before, and the certificate of its link has expired.',
  );
}

function invalidAnswer(reason: string): RedemptionError {
  return new RedemptionError('answer_invalid', `The answer cannot be used: ${reason}.`);
}
