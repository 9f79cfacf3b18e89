/*
 * One redemption, on the accepting side. The invariant: no certificate leaves the process without a recorded redemption, and
 * no redemption is recorded without a certificate that was built, signed and validated. So a failure before the commit counts
 * no use. After a later failure, a client that repeats its request gets the same certificate if the request has a replay key.
 */
import { randomUUID } from 'node:crypto';
import type { SignedCode } from '../../codes/signed-code.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import { DAY_MS } from '../../domain/duration.js';
import { RENEWING_LIFETIME_MS } from '../../domain/issued-certificate.js';
import { type LabelsAndNote, NO_LABELS_AND_NOTE } from '../../domain/labels-and-note.js';
import { linksToEndpoints } from '../../domain/link.js';
import { isResourceName, isSubject, isUuid } from '../../domain/names.js';
import { withoutIdentityRules } from '../../domain/policy.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';
import type { StoredCode } from '../ports/code-store.js';
import type { RecordRules } from '../ports/grant-store.js';
import type { SiteAccess } from '../ports/site.js';
import type { AcceptingSide, RequestingClient } from './accepting-side.js';
import type { ProvenIdentity } from './identities/prove-identity.js';
import { recordIdentityConflict } from './identities/record-conflict.js';
import { issuerRefusal } from './issuer-refusal.js';
import { type LinkAnswer, linkAnswer } from './link-answer.js';
import {
  type GrantTarget,
  type PresentedProof,
  type ProvenCode,
  proveCode,
  type WrongCode,
} from './prove-code.js';
import { earlyRefusal, type RedemptionContext, replayKeyOf, usesOf } from './redemption-context.js';
import { type ObtainedKey, requestedKey } from './requested-key.js';
import { NOTHING_SEALED, openReplay, sealForReplay, uniqueReplayKey } from './stock-replay.js';

/** Lifetime of a certificate that the client does not renew, in milliseconds. */
export const UNATTENDED_LIFETIME_MS = 1825 * DAY_MS;
// A Skupper controller that cannot store its Secret posts again every 30 s; without this limit it would use up a grant.
const REPEAT_LIMIT = { count: 2, windowMs: 3_600_000 };
// `Retry-After` in seconds if the queue for generated keys is full.
const KEY_RETRY_AFTER_S = 30;

/** A redemption request as it was received; without a CSR the service is to generate the key. */
export interface RedemptionRequest extends PresentedProof {
  readonly target: GrantTarget;
  /** Requested name of Link and Secret; absent for the grant's name. */
  readonly name?: string | undefined;
  /** Requested subject; by default that of the signed code or of the identity, or else the name. */
  readonly subject?: string | undefined;
  /** True if the client renews its certificate, so it can be short-lived. */
  readonly renews: boolean;
  /** When the request was received, in the unit of `performance.now()`. */
  readonly receivedAt: number;
}

/** A redemption or its replay, ready to be rendered. */
export interface Redeemed extends LinkAnswer {
  readonly grant: AccessGrant;
  readonly redemption: Redemption;
  readonly replayed: boolean;
  /** The provider of the identity that was presented. */
  readonly provider?: string | undefined;
}

/** A refusal of a redemption; only its code and `retryAfter` are for the client. */
export interface RefusedRedemption extends WrongCode {
  /** Why the accepting site provides no access, or what is wrong with the CSR. */
  readonly reason?: string;
  /** What the operator can do, if the accepting site provides no access. */
  readonly hint?: string;
  /** The address of the client that redeemed with the same identity and another key. */
  readonly conflict?: string | undefined;
  /** The grant, if the client presented a valid code. */
  readonly proven?: AccessGrant;
}

/** The client disconnected before its redemption was recorded, so nothing was counted. */
export interface ClientDisconnected {
  readonly disconnected: true;
  readonly proven: AccessGrant;
}

/**
 * Redeems one use of a grant, or returns the certificate of an earlier redemption again (a replay). Rejects with
 * RedemptionError `store_unavailable` if the store cannot answer: either no use was counted, or a repeated request is a replay
 * (but a request that cannot be replayed may count another use).
 */
export async function redeem(
  request: RedemptionRequest,
  client: RequestingClient,
  deps: AcceptingSide,
): Promise<Redeemed | RefusedRedemption | ClientDisconnected> {
  if (request.name !== undefined && !isResourceName(request.name)) return { refused: 'name_invalid' };
  if (request.subject !== undefined && !isSubject(request.subject)) return { refused: 'subject_invalid' };
  const proof = await proveCode(request.target, request, deps);
  if ('refused' in proof) return proof;
  client.onProven();
  return redeemProven(proof, request, client, deps);
}

/** Redeems a code that the caller has proven, for a valid name and subject, as {@link redeem} does. */
export async function redeemProven(
  proof: ProvenCode,
  request: Omit<RedemptionRequest, 'target'>,
  client: RequestingClient,
  deps: AcceptingSide,
): Promise<Redeemed | RefusedRedemption | ClientDisconnected> {
  const { grant, signedCode, identity } = proof;
  const name = request.name ?? grant.name;
  const subject = request.subject ?? signedCode?.subject ?? identity?.subject ?? name;
  const refuse = (refusal: RefusedRedemption): RefusedRedemption => {
    const { refused: code } = refusal;
    // Do not record overload refusals: the write would add load.
    if (code !== 'overloaded') {
      deps.store
        .recordRefusal(
          { grantUid: grant.uid, code, name, subject, peer: client.peer, jti: signedCode?.jti },
          deps.clock(),
        )
        .catch((error) => deps.onLedgerFailure(error, client.requestId));
    }
    return { ...refusal, proven: grant, provider: identity?.provider };
  };

  if (grant.revokedAt !== null) return refuse({ refused: 'grant_revoked' });
  const storedCode = signedCode && (await deps.store.findCode(grant.uid, signedCode.jti));
  if (storedCode && storedCode.revokedAt !== null) return refuse({ refused: 'code_revoked' });
  const key = requestedKey(request.csr, deps.keys);
  if ('refused' in key) return refuse(key);
  const { code, renews, receivedAt } = request;
  const labelsAndNote = await replacedLabelsAndNote(signedCode?.replaces, deps);
  const wanted = { client, receivedAt, name, subject, code, renews, key, labelsAndNote };
  const context: RedemptionContext = { ...proof, ...wanted };
  const outcome = await replayOrIssue(context, storedCode, deps);
  if (!('refused' in outcome)) return outcome;
  return refuse({ ...outcome, conflict: await recordIdentityConflict(outcome.refused, context, deps) });
}

/** Returns labels and note of the redemption that is replaced; none if no redemption is replaced, or if it was deleted. */
async function replacedLabelsAndNote(
  replaces: string | undefined,
  { store }: Pick<AcceptingSide, 'store'>,
): Promise<LabelsAndNote> {
  const { labels, note } = (replaces && (await store.findRedemption(replaces))) || NO_LABELS_AND_NOTE;
  return { labels, note };
}

async function replayOrIssue(
  context: RedemptionContext,
  storedCode: StoredCode | undefined,
  deps: AcceptingSide,
): Promise<Redeemed | RefusedRedemption | ClientDisconnected> {
  const replayKey = replayKeyOf(context, deps.stockReplay);
  const findAnswer = async (): Promise<Redeemed | Refusal | undefined> => {
    if (replayKey === undefined) return undefined;
    const earlier = await deps.store.findReplay(context.grant.uid, replayKey);
    return earlier && replayRedemption(earlier, context, deps);
  };
  // recordRedemption also finds replays, but after signing. For a client's key, look up only before a refusal: a lookup for every
  // request costs more than signing a replay in vain. For a generated key, look up first: the lookup costs less than the key.
  const isKeyGenerated = context.key.generatedBy !== 'client';
  const answer = isKeyGenerated ? await findAnswer() : undefined;
  if (answer) return answer;
  const prepared = await prepareRedemption(context, storedCode, deps);
  if ('refused' in prepared) return (isKeyGenerated ? undefined : await findAnswer()) ?? prepared;
  return issueAndRecordRedemption(context, prepared, replayKey, deps);
}

interface Prepared {
  readonly access: SiteAccess;
  readonly obtainedKey: ObtainedKey;
}

async function prepareRedemption(
  context: RedemptionContext,
  storedCode: StoredCode | undefined,
  deps: AcceptingSide,
): Promise<Prepared | RefusedRedemption> {
  const refusal = earlyRefusal(context, storedCode, deps.clock());
  if (refusal) return refusal;
  const access = await deps.site.resolveAccess(context.grant);
  if ('refused' in access) return access;
  if (linksToEndpoints(context.name, access.endpoints).some((link) => !isResourceName(link.name))) {
    return { refused: 'name_invalid' };
  }
  const obtainedKey = await context.key.obtain();
  return obtainedKey ? { access, obtainedKey } : { refused: 'overloaded', retryAfter: KEY_RETRY_AFTER_S };
}

async function issueAndRecordRedemption(
  context: RedemptionContext,
  { access, obtainedKey }: Prepared,
  replayKey: string | undefined,
  deps: AcceptingSide,
): Promise<Redeemed | RefusedRedemption | ClientDisconnected> {
  const { grant, key, client } = context;
  if (!(await client.isConnected())) return { disconnected: true, proven: grant };
  const id = randomUUID();
  const now = deps.clock();
  const refusal = issuerRefusal(access.issuer, now);
  if (refusal) return refusal;
  await deps.checkpoint('before-signing');
  const certificate = await deps.issueCertificate({
    authority: access.issuer,
    spkiDer: obtainedKey.spkiDer,
    subject: context.subject,
    redemptionId: id,
    lifetimeMs: Math.min(
      grant.policy.certificateLifetimeMs ?? Number.POSITIVE_INFINITY,
      context.renews ? RENEWING_LIFETIME_MS : UNATTENDED_LIFETIME_MS,
    ),
    now,
  });
  await deps.checkpoint('after-signing');
  const redemption: Redemption = {
    id,
    grantUid: grant.uid,
    namespace: grant.namespace,
    issuer: grant.issuer,
    replayKey: replayKey ?? uniqueReplayKey(),
    mode: key.generatedBy === 'client' ? 'csr' : 'stock',
    name: context.name,
    subject: context.subject,
    peer: client.peer,
    jti: context.signedCode?.jti ?? null,
    ...certificate,
    policy: withoutIdentityRules(grant.policy),
    siteUid: access.siteUid,
    ...(replayKey !== undefined && obtainedKey.keyPem !== undefined
      ? sealForReplay({ id, grant, code: context.code, keyPem: obtainedKey.keyPem, now }, deps.stockReplay)
      : NOTHING_SEALED),
    createdAt: now,
    revokedAt: null,
    ...context.labelsAndNote,
  };
  if (!(await client.isConnected())) return { disconnected: true, proven: grant };
  return recordOrReplay(redemption, obtainedKey.keyPem, context, access, deps);
}

async function recordOrReplay(
  redemption: Redemption,
  keyPem: string | undefined,
  context: RedemptionContext,
  access: SiteAccess,
  deps: AcceptingSide,
): Promise<Redeemed | Refusal> {
  // Skupper's controllers send the uid of their site as the subject.
  const isLimited = redemption.mode === 'stock' && isUuid(redemption.subject) && usesOf(context) > 1;
  const outcome = await deps.store.recordRedemption(context.grant.uid, redemption, deps.clock(), {
    receivedAt: context.receivedAt,
    ...(isLimited && { repeatLimit: REPEAT_LIMIT }),
    ...(context.signedCode && { signedCode: codeRule(context.signedCode, context.identity) }),
  });
  if (outcome === 'recorded') return redemptionResponse(redemption, keyPem, false, context, access, deps);
  if ('refused' in outcome) return outcome;
  const answer = await replayRedemption(outcome.replayOf, context, deps);
  if (answer) return answer;
  // The earlier redemption can no longer be replayed, so record this one under a new replay key.
  const newRedemption = { ...redemption, replayKey: uniqueReplayKey(), ...NOTHING_SEALED };
  return recordOrReplay(newRedemption, keyPem, context, access, deps);
}

function codeRule(code: SignedCode, identity: ProvenIdentity | undefined): RecordRules['signedCode'] {
  return { subject: null, ...code, ...(identity && { subject: identity.name, limit: identity.uses }) };
}

/** Returns the certificate of `earlier` with the present endpoints; undefined if its sealed key cannot be opened. */
async function replayRedemption(
  earlier: Redemption,
  context: RedemptionContext,
  deps: AcceptingSide,
): Promise<Redeemed | Refusal | undefined> {
  if (earlier.revokedAt !== null) return { refused: 'redemption_revoked' };
  let keyPem: string | undefined;
  if (earlier.mode === 'stock') {
    keyPem = openReplay(earlier, context.code, deps.clock());
    if (keyPem === undefined) return undefined;
  }
  const access = await deps.site.resolveAccess(context.grant);
  if ('refused' in access) return access;
  const { peer, requestId } = context.client;
  deps.store
    .recordReplay(earlier, peer, deps.clock())
    .catch((error) => deps.onLedgerFailure(error, requestId));
  return redemptionResponse(earlier, keyPem, true, context, access, deps);
}

function redemptionResponse(
  redemption: Redemption,
  tlsKey: string | undefined,
  replayed: boolean,
  { grant, identity }: RedemptionContext,
  access: SiteAccess,
  { service }: AcceptingSide,
): Redeemed {
  const credentials = { tlsCrt: redemption.certificate, ...(tlsKey !== undefined && { tlsKey }) };
  const provider = identity?.provider;
  return { grant, redemption, replayed, provider, ...linkAnswer(redemption, credentials, access, service) };
}
