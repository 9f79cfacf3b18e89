import { randomBytes, randomUUID } from 'node:crypto';
import { hashCode } from '../../src/codes/opaque-code.js';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import type { Renewal } from '../../src/domain/issued-certificate.js';
import { NO_LABELS_AND_NOTE } from '../../src/domain/labels-and-note.js';
import type { Redemption } from '../../src/domain/redemption.js';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import type { RecordRenewalOutcome } from '../../src/redemption/ports/renewal-store.js';

/** The moment at which the samples are made, milliseconds since the epoch. */
export const NOW = Date.parse('2031-03-04T05:06:07.089Z');
export const MINUTE = 60_000;

/** The code of every sample grant. */
export const SAMPLE_CODE = 'the-code-of-a-sample-grant';

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** A Ready grant of one use that ends 15 minutes after {@link NOW}, with an identity of its own. */
export function sampleGrant(changes: Partial<AccessGrant> = {}): AccessGrant {
  const uid = changes.uid ?? randomUUID();
  return {
    uid,
    namespace: 'default',
    name: `grant-${uid}`,
    codeHash: new Uint8Array(hashCode(uid, Buffer.from(SAMPLE_CODE))),
    isUserSuppliedCode: false,
    redemptionsAllowed: 1,
    redemptions: 0,
    expirationWindowMs: 15 * MINUTE,
    expirationTime: NOW + 15 * MINUTE,
    issuer: null,
    policy: {},
    sourceFile: null,
    createdAt: NOW,
    readyAt: NOW,
    revokedAt: null,
    ...NO_LABELS_AND_NOTE,
    ...changes,
  };
}

/** Stores a sample grant, and returns the stored grant. */
export async function storedGrant(
  store: GrantStore,
  changes: Partial<AccessGrant> = {},
): Promise<AccessGrant> {
  const stored = await store.createGrant(sampleGrant(changes), SAMPLE_CODE);
  if (stored === 'name_taken') throw new Error(`there is a grant ${changes.name}`);
  return stored;
}

/** A redemption of a grant, in CSR mode, with an identity and a replay key of its own. */
export function sampleRedemption(grantUid: string, changes: Partial<Redemption> = {}): Redemption {
  return {
    id: randomUUID(),
    grantUid,
    namespace: 'default',
    issuer: null,
    replayKey: hex(32),
    mode: 'csr',
    name: 'link-a',
    subject: 'site-a',
    peer: '192.0.2.7',
    jti: null,
    serial: hex(16),
    keySha256: hex(32),
    certificateSha256: hex(32),
    issuerSha256: hex(32),
    notAfter: NOW + 30 * 24 * 60 * MINUTE,
    certificate: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
    policy: {},
    siteUid: null,
    sealedAnswer: null,
    sealedUntil: null,
    createdAt: NOW,
    revokedAt: null,
    ...NO_LABELS_AND_NOTE,
    ...changes,
  };
}

/** Returns a redemption without the name of its grant, which only a store in a cluster records with it. */
export async function recordedRedemption(store: GrantStore, id: string): Promise<Redemption | undefined> {
  const stored = await store.findRedemption(id);
  if (!stored) return undefined;
  const { grantName: _, ...redemption } = stored;
  return redemption;
}

/** A renewal of a redemption, with an identity of its own. */
export function sampleRenewal(redemptionId: string, number: number, changes: Partial<Renewal> = {}): Renewal {
  return {
    redemptionId,
    number,
    serial: hex(16),
    keySha256: hex(32),
    certificateSha256: hex(32),
    issuerSha256: hex(32),
    notAfter: NOW + 60 * 24 * 60 * MINUTE,
    certificate: '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
    renewedAt: NOW,
    peer: '192.0.2.9',
    ...changes,
  };
}

/** Records a renewal that was issued from what the store has now. */
export async function recordRenewalOf(
  store: GrantStore,
  renewal: Renewal,
  now: number,
): Promise<RecordRenewalOutcome> {
  const { redemptionId } = renewal;
  const found = await store.findRenewedRedemption(redemptionId);
  return store.recordRenewal(renewal, found ?? { redemption: sampleRedemption(''), renewals: [] }, now);
}
