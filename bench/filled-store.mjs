import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { sqlGrantStore } from '../dist/stores/sql/sql-grant-store.js';
import { openSqliteDatabase } from '../dist/stores/sqlite/sqlite-store.js';

const BATCH = 256;
const DAY_MS = 86_400_000;

// No request contains it.
const CODE = 'the-code-of-every-grant';

const hex = (bytes) => randomBytes(bytes).toString('hex');
const ISSUER_SHA256 = hex(32);
const PEM_LINES = Array.from({ length: 16 }, () => randomBytes(48).toString('base64'));
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${PEM_LINES.join('\n')}\n-----END CERTIFICATE-----\n`;

function grantOf(redemptionsAllowed, now) {
  const uid = randomUUID();
  return {
    uid,
    namespace: 'default',
    // Without digits, so that a search for digits finds subjects only.
    name: `bench-${uid.replaceAll('-', '').replace(/\d/g, (digit) => 'ghijklmnop'[digit])}`,
    codeHash: new Uint8Array(32),
    isUserSuppliedCode: false,
    redemptionsAllowed,
    redemptions: 0,
    expirationWindowMs: DAY_MS,
    expirationTime: now + DAY_MS,
    issuer: null,
    policy: {},
    createdAt: now,
    readyAt: now,
    revokedAt: null,
    sourceFile: null,
    labels: {},
    note: null,
  };
}

function redemptionOf(grant, number, now) {
  return {
    id: randomUUID(),
    grantUid: grant.uid,
    namespace: grant.namespace,
    issuer: grant.issuer,
    replayKey: hex(32),
    mode: 'csr',
    name: `link-${number}`,
    subject: `site-${number}`,
    peer: '192.0.2.7',
    jti: null,
    // Like those of the service: 16 bytes, the first of them 0x40 or more.
    serial: `4${hex(16).slice(1)}`,
    keySha256: hex(32),
    certificateSha256: hex(32),
    issuerSha256: ISSUER_SHA256,
    notAfter: now + 30 * DAY_MS,
    certificate: CERTIFICATE,
    policy: {},
    siteUid: null,
    sealedAnswer: null,
    sealedUntil: null,
    createdAt: now,
    revokedAt: null,
    labels: {},
    note: null,
  };
}

/**
 * Creates grants in a store, and records `redemptionsEach` redemptions of each grant, round-robin over the grants, one each
 * millisecond from `start`. Returns the grants.
 */
export async function addRedemptions(store, { grants: count, redemptionsEach, start = Date.now() }) {
  const grants = Array.from({ length: count }, () => grantOf(redemptionsEach, start));
  await Promise.all(grants.map((grant) => store.createGrant(grant, CODE)));
  const total = count * redemptionsEach;
  for (let first = 0; first < total; first += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, total - first) }, (_, index) => {
      const number = first + index;
      const grant = grants[number % count];
      return store.recordRedemption(grant.uid, redemptionOf(grant, number, start + number), start + number);
    });
    const outcomes = await Promise.all(batch);
    if (outcomes.some((outcome) => outcome !== 'recorded')) throw new Error('a redemption was not recorded');
  }
  return grants;
}

/** Creates the SQLite store of a data directory, and adds redemptions to it as `addRedemptions` does. Returns their number. */
export async function fillStore(directory, { grants, redemptionsEach }) {
  const database = await openSqliteDatabase({ file: join(directory, 'linkgrant.db'), migrate: true });
  const store = sqlGrantStore(database, Date.now);
  try {
    await addRedemptions(store, { grants, redemptionsEach });
    return grants * redemptionsEach;
  } finally {
    await store.close();
  }
}
