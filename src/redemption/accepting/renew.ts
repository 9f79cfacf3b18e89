/*
 * One renewal, on the accepting side. The invariant is that of a redemption: no certificate leaves the process without a
 * recorded renewal, and no renewal is recorded without a certificate that was built, signed and validated. A second request
 * for the same key returns the same certificate, so a lost response can be repeated. Subject, site and rules are those of the
 * recorded redemption and its grant, never of the request.
 */
import { readRenewalRequest, verifyRenewalRequest } from '../../codes/renewal-request.js';
import {
  type IssuedCertificate,
  RENEWAL_GRACE_MS,
  RENEWING_LIFETIME_MS,
  type Renewal,
} from '../../domain/issued-certificate.js';
import type { Redemption } from '../../domain/redemption.js';
import type { Refusal } from '../../domain/redemption-error.js';
import { type CertificateRequest, parseCertificateRequest } from '../../pki/requests.js';
import type { LedgerStore, RedemptionEntry } from '../ports/ledger-store.js';
import type { RenewedRedemption } from '../ports/renewal-store.js';
import type { SiteAccess } from '../ports/site.js';
import type { AcceptingSide, RequestingClient } from './accepting-side.js';
import { policyRefusal } from './check-policy.js';
import { issuerRefusal } from './issuer-refusal.js';
import { type LinkAnswer, linkAnswer } from './link-answer.js';

const CLOCK_SKEW_MS = 5 * 60_000;
// A replaced redemption gets few entries later: it is revoked, so it is neither renewed nor replayed.
const LAST_ENTRIES = 20;

/** The response to a renewal, ready to be rendered. */
export interface Renewed extends LinkAnswer {
  readonly redemption: Redemption;
  /** True if this certificate was issued for an earlier request. */
  readonly replayed: boolean;
}

/** A refusal of a renewal. */
export interface RefusedRenewal extends Refusal {
  /** Why the accepting site provides no access, or what is wrong with the CSR; not for the client. */
  readonly reason?: string;
  /** The service's time in milliseconds since the epoch, if the time of the request differs too much from it. */
  readonly serverTime?: number;
  /** The redemption, if the request was signed with the link's key; not for the client. */
  readonly proven?: Redemption;
}

/** A request that was signed with one of the link's last two keys. */
interface ProvenRenewal extends RenewedRedemption {
  readonly newest: IssuedCertificate;
  /** True if the request was signed with the key of the newest certificate; false if with the key of the previous one. */
  readonly isNewest: boolean;
  readonly csrDer: Uint8Array;
  readonly issuedAt: number;
  readonly client: RequestingClient;
}

/**
 * Issues the next certificate of a link. If the request is for the key of the newest certificate, returns that certificate
 * again. Every well-formed request without a valid signature is refused with the same code and at about the same cost. Rejects
 * with RedemptionError `store_unavailable` if the store cannot answer: the client can then repeat the request. `text` is the
 * body; a compact JWS if it is valid.
 */
export async function renew(
  text: string,
  client: RequestingClient,
  deps: AcceptingSide,
): Promise<Renewed | RefusedRenewal> {
  const unproven = readRenewalRequest(text);
  if (!unproven) return { refused: 'renewal_invalid' };
  const found = await deps.store.findRenewedRedemption(unproven.redemptionId);
  const [newest, previous] = found ? [...found.renewals, found.redemption] : [];
  const signer = [newest, previous].find(
    (certificate) => certificate?.certificateSha256 === unproven.certificateSha256,
  );
  const request = await verifyRenewalRequest(text, signer?.certificate);
  if (!found || !newest || !request) return { refused: 'renewal_refused' };
  client.onProven();

  const outcome = await renewProven(
    { ...found, ...request, newest, isNewest: signer === newest, client },
    deps,
  );
  if (!('refused' in outcome)) return outcome;
  const { redemption } = found;
  recordRefusal(outcome, redemption, client, deps);
  return { ...outcome, proven: redemption };
}

async function renewProven(proven: ProvenRenewal, deps: AcceptingSide): Promise<Renewed | RefusedRenewal> {
  const { redemption, newest, csrDer, issuedAt } = proven;
  const now = deps.clock();
  if (Math.abs(now - issuedAt) > CLOCK_SKEW_MS) return { refused: 'renewal_stale', serverTime: now };
  if (redemption.revokedAt !== null) {
    const isReplaced = (await findReplacement(redemption.id, deps.store)) !== undefined;
    return { refused: isReplaced ? 'redemption_replaced' : 'redemption_revoked' };
  }
  const csr = parseCertificateRequest(csrDer);
  const isReplay = !('invalid' in csr) && csr.keySha256 === newest.keySha256;
  const refusal = isReplay ? undefined : newKeyRefusal(proven, now);
  if (refusal) return refusal;
  if ('invalid' in csr) return { refused: csr.invalid, reason: csr.reason };

  const grant = await deps.store.findGrant(redemption.grantUid);
  const { namespace, name, issuer } = grant ?? redemption;
  const access = await deps.site.resolveAccess({ namespace, name, issuer, policy: redemption.policy });
  if ('refused' in access) return access;
  // Without a recorded site uid, skip the replaced-site check.
  if (redemption.siteUid !== null && redemption.siteUid !== access.siteUid)
    return { refused: 'site_replaced' };
  if (isReplay) return replayRenewal(newest, proven, access, deps);

  const policies = grant ? [redemption.policy, grant.policy] : [redemption.policy];
  const { subject } = redemption;
  const renewal = {
    name: redemption.name,
    subject,
    peer: proven.client.peer,
    keyType: csr.keyType,
    csr: true,
  };
  const refused = policies.map((policy) => policyRefusal(policy, renewal)).find((code) => code !== undefined);
  if (refused) return { refused };
  const lifetimes = policies.map((policy) => policy.certificateLifetimeMs ?? RENEWING_LIFETIME_MS);
  const lifetimeMs = Math.min(RENEWING_LIFETIME_MS, ...lifetimes);
  return issueAndRecordRenewal(proven, { csr, access, lifetimeMs }, deps);
}

/** Returns the id of the redemption that replaced the redemption `id`; undefined if none did. */
export async function findReplacement(
  id: string,
  store: Pick<LedgerStore, 'listRedemptionEntries'>,
): Promise<string | undefined> {
  return replacementIn(await store.listRedemptionEntries(id, LAST_ENTRIES));
}

/** Returns the id of the redemption that replaced the one with these ledger entries; undefined if none did. */
export function replacementIn(entries: readonly RedemptionEntry[]): string | undefined {
  const replacedBy = entries.find(({ kind }) => kind === 'replaced')?.detail.replacedBy;
  return replacedBy === undefined ? undefined : String(replacedBy);
}

/** Returns why a link may not get a certificate for a new key; undefined if it may. */
function newKeyRefusal({ newest, isNewest }: ProvenRenewal, now: number): Refusal | undefined {
  if (!isNewest) return { refused: 'superseded' };
  return now >= newest.notAfter + RENEWAL_GRACE_MS ? { refused: 'renewal_expired' } : undefined;
}

async function issueAndRecordRenewal(
  proven: ProvenRenewal,
  {
    csr,
    access,
    lifetimeMs,
  }: { readonly csr: CertificateRequest; readonly access: SiteAccess; readonly lifetimeMs: number },
  deps: AcceptingSide,
): Promise<Renewed | Refusal> {
  const { redemption, renewals, client } = proven;
  const now = deps.clock();
  const refusal = issuerRefusal(access.issuer, now);
  if (refusal) return refusal;
  await deps.checkpoint('before-signing');
  const certificate = await deps.issueCertificate({
    authority: access.issuer,
    spkiDer: csr.spkiDer,
    subject: redemption.subject,
    redemptionId: redemption.id,
    lifetimeMs,
    now,
  });
  await deps.checkpoint('after-signing');
  const renewal: Renewal = {
    redemptionId: redemption.id,
    number: (renewals[0]?.number ?? 0) + 1,
    ...certificate,
    renewedAt: now,
    peer: client.peer,
  };
  const outcome = await deps.store.recordRenewal(renewal, proven, deps.clock());
  if (outcome === 'recorded') return renewalResponse(redemption, renewal, access, false, deps);
  if ('refused' in outcome) return outcome;
  const { supersededBy: other } = outcome;
  if (other.keySha256 !== csr.keySha256) return { refused: 'superseded' };
  return replayRenewal(other, proven, access, deps);
}

function replayRenewal(
  certificate: IssuedCertificate,
  { redemption, client }: ProvenRenewal,
  access: SiteAccess,
  deps: AcceptingSide,
): Renewed {
  deps.store
    .recordReplay(redemption, client.peer, deps.clock())
    .catch((error) => deps.onLedgerFailure(error, client.requestId));
  return renewalResponse(redemption, certificate, access, true, deps);
}

function renewalResponse(
  redemption: Redemption,
  { certificate: tlsCrt }: IssuedCertificate,
  access: SiteAccess,
  replayed: boolean,
  { service }: AcceptingSide,
): Renewed {
  return { redemption, replayed, ...linkAnswer(redemption, { tlsCrt }, access, service) };
}

function recordRefusal(
  { refused: code }: Refusal,
  redemption: Redemption,
  { peer, requestId }: RequestingClient,
  { store, clock, onLedgerFailure }: AcceptingSide,
): void {
  const { grantUid, name, subject } = redemption;
  const recorded =
    code === 'superseded'
      ? store.recordSuperseded(redemption, peer, clock())
      : store.recordRefusal({ grantUid, code, name, subject, peer }, clock());
  recorded.catch((error) => onLedgerFailure(error, requestId));
}
