import type { Renewal } from '../../../domain/issued-certificate.js';
import { MANAGED_BY } from '../../../domain/labels.js';
import { isUuid } from '../../../domain/names.js';
import type { GrantPolicy } from '../../../domain/policy.js';
import type { Redemption, RedemptionMode } from '../../../domain/redemption.js';
import { formatPolicySettings, parseRecordedPolicy } from '../../../redemption/accepting/policy-settings.js';
import type { ListedRedemption, RecordRules, UnlistedField } from '../../../redemption/ports/grant-store.js';
import { REDEMPTIONS } from '../api/kinds.js';
import { apiVersionOf, type Resource, type Stored } from '../api/resource.js';
import { timeOf, timestamp } from '../api/timestamp.js';
import { labelsAndNoteMetadata, readLabelsAndNote } from '../grants/grant-metadata.js';
import { readCertificate, type WrittenCertificate, writtenCertificate } from './written-certificate.js';

/** Label of resources that belong to a grant: its uid. */
export const GRANT_UID = 'linkgrant.dev/grant-uid';
/** Label of a Redemption: its id. */
export const REDEMPTION_ID = 'linkgrant.dev/redemption-id';
/** Annotation of a Redemption: when `spec.revoked` was set, RFC 3339. */
export const REVOKED_AT_ANNOTATION = 'linkgrant.dev/revoked-at';

/** Annotation of a Redemption: the id of the redemption that replaced it, a space, and when, RFC 3339. */
export const REPLACED_BY_ANNOTATION = 'linkgrant.dev/replaced-by';

/** The signed code that a Redemption used; times are RFC 3339. */
export interface WrittenCode {
  readonly jti: string;
  readonly uses?: number;
  readonly expirationTime?: string;
  readonly subject?: string;
  /** Id of the Redemption, of the same namespace, that this one replaces. */
  readonly replaces?: string;
}

/** A renewal in the status of a Redemption. */
interface WrittenRenewal {
  readonly number: number;
  readonly renewedAt: string;
  readonly peer: string;
  readonly certificate: WrittenCertificate;
}

/** Stored fields of a renewal older than the last two. */
type EarlierRenewal = Omit<WrittenRenewal, 'certificate'> &
  Pick<WrittenCertificate, 'serial' | 'issuerSha256' | 'notAfter'>;

/** A Redemption of linkgrant as the API returns it. */
export interface RedemptionResource extends Resource {
  readonly spec: {
    readonly id: string;
    readonly grantUid: string;
    readonly grantName: string;
    readonly slot: number;
    readonly issuer?: string;
    readonly siteUid?: string;
    readonly replayKey: string;
    readonly mode: RedemptionMode;
    readonly name: string;
    readonly subject: string;
    readonly peer: string;
    readonly code?: WrittenCode;
    readonly policy: Readonly<Record<string, string>>;
    readonly certificate: WrittenCertificate;
    readonly sealedUntil?: string;
    readonly createdAt: string;
    readonly revoked: boolean;
  };
  readonly status?: RedemptionStatus;
}

/** The status of a Redemption: its renewals. */
export interface RedemptionStatus {
  /** The expiry of the newest certificate. */
  readonly notAfter?: string;
  /** The last two, newest first. */
  readonly renewals?: readonly WrittenRenewal[];
  /** Earlier renewals, newest first; the oldest ones may be missing. */
  readonly earlier?: readonly EarlierRenewal[];
}

// The ledger lists these: about a week of a link that is renewed every three hours. The object stays small enough for etcd.
const MAX_EARLIER_RENEWALS = 50;

/** Name of the Redemption that fills a slot. */
export function slotName(grantUid: string, slot: number): string {
  return `${grantUid}-${slot}`;
}

/** The uid of the grant in a {@link slotName}. */
export function grantUidOfSlot(name: string): string {
  return name.slice(0, name.lastIndexOf('-'));
}

/** The slot of a grant that a Redemption fills, from its name; undefined if it fills none. */
export function slotOf(
  grantUid: string,
  { metadata: { name } }: Pick<Resource, 'metadata'>,
): number | undefined {
  const slot = Number(name.slice(grantUid.length + 1));
  return name === slotName(grantUid, slot) ? slot : undefined;
}

/** True if the name of a Redemption is that of the slot in its spec. A user can create a Redemption with another name. */
export function fillsItsSlot({ metadata, spec }: Stored<RedemptionResource>): boolean {
  return metadata.name === slotName(spec.grantUid, spec.slot);
}

/** Builds the resource that fills a slot of a grant, without the sealed answer. */
export function redemptionResource(
  redemption: Redemption,
  grantName: string,
  slot: number,
  signedCode: RecordRules['signedCode'],
): RedemptionResource {
  const { id, grantUid, namespace, issuer, siteUid, jti, sealedUntil } = redemption;
  const { replayKey, mode, name, subject, peer } = redemption;
  return {
    apiVersion: apiVersionOf(REDEMPTIONS),
    kind: REDEMPTIONS.kind,
    metadata: {
      name: slotName(grantUid, slot),
      namespace,
      ...labelsAndNoteMetadata(redemption, {
        labels: { [MANAGED_BY]: 'linkgrant', [GRANT_UID]: grantUid, [REDEMPTION_ID]: id },
      }),
    },
    spec: {
      id,
      grantUid,
      grantName,
      slot,
      ...(issuer !== null && { issuer }),
      ...(siteUid !== null && { siteUid }),
      replayKey,
      mode,
      name,
      subject,
      peer,
      ...(jti !== null && { code: { jti, ...writtenCode(signedCode) } }),
      policy: formatPolicySettings(redemption.policy),
      certificate: writtenCertificate(redemption),
      ...(sealedUntil !== null && { sealedUntil: timestamp(sealedUntil) }),
      createdAt: timestamp(redemption.createdAt),
      revoked: false,
    },
  };
}

/**
 * Reads a redemption from its resource, which does not contain the sealed answer. The policy is parsed when it is first used: only
 * renewals use it, and it has up to 1,000 entries in every rule.
 */
export function readRedemption(resource: Stored<RedemptionResource>): Redemption {
  const { spec } = resource;
  let policy: GrantPolicy | undefined;
  return {
    ...readSmallFields(resource),
    sealedAnswer: null,
    certificate: spec.certificate.pem,
    get policy() {
      policy ??= readPolicy(spec);
      return policy;
    },
  };
}

/** Reads a redemption as a listing returns it. */
export function readListedRedemption(resource: Stored<RedemptionResource>): ListedRedemption {
  const { grantName } = resource.spec;
  const [renewal] = readRenewals(resource);
  if (!renewal) return { ...readSmallFields(resource), grantName };
  const { certificate: _, ...newest } = renewal;
  return { ...readSmallFields(resource), grantName, newest };
}

function readSmallFields({ metadata, spec }: Stored<RedemptionResource>): Omit<Redemption, UnlistedField> {
  const { pem: _, notAfter, ...hashes } = spec.certificate;
  return {
    id: spec.id,
    grantUid: spec.grantUid,
    namespace: metadata.namespace ?? '',
    issuer: spec.issuer ?? null,
    replayKey: spec.replayKey,
    mode: spec.mode,
    name: spec.name,
    subject: spec.subject,
    peer: spec.peer,
    jti: spec.code?.jti ?? null,
    siteUid: spec.siteUid ?? null,
    ...hashes,
    notAfter: timeOf(notAfter) ?? 0,
    sealedUntil: timeOf(spec.sealedUntil),
    createdAt: timeOf(spec.createdAt) ?? 0,
    revokedAt: redemptionRevokedAt({ metadata, spec }),
    ...readLabelsAndNote(metadata),
  };
}

function readPolicy({ policy: settings }: RedemptionResource['spec']): GrantPolicy {
  const policy = parseRecordedPolicy(settings);
  // If the policy is unreadable, allow no name.
  return 'problem' in policy ? { names: [] } : policy;
}

/** The renewals that are stored in full, newest first. */
export function readRenewals({ spec, status = {} }: Stored<RedemptionResource>): Renewal[] {
  return (status.renewals ?? []).map(({ number, renewedAt, peer, certificate }) => ({
    redemptionId: spec.id,
    number,
    ...readCertificate(certificate),
    renewedAt: timeOf(renewedAt) ?? 0,
    peer,
  }));
}

/** Earlier renewals, of which only these fields are stored, newest first. */
export function readEarlierRenewals({
  status = {},
}: Stored<RedemptionResource>): Pick<Renewal, keyof EarlierRenewal>[] {
  return (status.earlier ?? []).map((earlier) => ({
    ...earlier,
    renewedAt: timeOf(earlier.renewedAt) ?? 0,
    notAfter: timeOf(earlier.notAfter) ?? 0,
  }));
}

/** Adds `renewal`, which is newer than all renewals in the status, to the status. */
export function renewedStatus(status: RedemptionStatus = {}, renewal: Renewal): RedemptionStatus {
  const { number, renewedAt, peer } = renewal;
  const certificate = writtenCertificate(renewal);
  const [previous, ...older] = status.renewals ?? [];
  const written: WrittenRenewal = { number, renewedAt: timestamp(renewedAt), peer, certificate };
  const moved = older.map(({ certificate: { serial, issuerSha256, notAfter }, ...rest }) => ({
    ...rest,
    serial,
    issuerSha256,
    notAfter,
  }));
  return {
    notAfter: certificate.notAfter,
    renewals: previous ? [written, previous] : [written],
    earlier: [...moved, ...(status.earlier ?? [])].slice(0, MAX_EARLIER_RENEWALS),
  };
}

/** The latest expiry of the certificates that are stored in full, in milliseconds since the epoch. */
export function lastNotAfter({ spec, status = {} }: Stored<RedemptionResource>): number {
  const certificates = [spec.certificate, ...(status.renewals ?? []).map(({ certificate }) => certificate)];
  return Math.max(...certificates.map(({ notAfter }) => timeOf(notAfter) ?? 0));
}

/** When a redemption was revoked, by `spec.revoked` or by its deletion; null if it was not. */
export function redemptionRevokedAt({
  metadata,
  spec,
}: Pick<Stored<RedemptionResource>, 'metadata' | 'spec'>): number | null {
  const deletedAt = timeOf(metadata.deletionTimestamp);
  if (!spec.revoked) return deletedAt;
  // A user who sets `spec.revoked` does not set the annotation.
  return (
    timeOf(metadata.annotations?.[REVOKED_AT_ANNOTATION]) ??
    deletedAt ??
    timeOf(metadata.creationTimestamp) ??
    0
  );
}

/** Which redemption replaced this one, and when, in milliseconds since the epoch; undefined if none did. */
export function replacementOf({
  metadata,
}: Pick<Stored<RedemptionResource>, 'metadata'>):
  | { readonly replacedBy: string; readonly at: number }
  | undefined {
  const [replacedBy = '', at] = metadata.annotations?.[REPLACED_BY_ANNOTATION]?.split(' ') ?? [];
  return isUuid(replacedBy) ? { replacedBy, at: timeOf(at) ?? 0 } : undefined;
}

function writtenCode(code: RecordRules['signedCode']) {
  if (!code) return {};
  const { uses, expirationTime, subject, replaces } = code;
  return {
    uses,
    expirationTime: timestamp(expirationTime),
    ...(subject !== null && { subject }),
    ...(replaces !== undefined && { replaces }),
  };
}
