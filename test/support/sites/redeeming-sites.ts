import { randomUUID, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { hashCode, mintCode } from '../../../src/codes/opaque-code.js';
import { createCertificateRequest } from '../../../src/pki/requests.js';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';
import { forEachParallel } from '../parallel.js';
import { generatePrivateKey } from '../private-key.js';
import { DAY_MS } from '../server-identity.js';
import { sampleGrant } from '../store-samples.js';
import { post, type Target } from '../wire.js';

const REPEATED_AT_ONCE = 24;

/** Equal grants: the uses of each, the sites that redeem each, and the number of grants. */
export interface GrantMix {
  readonly uses: number;
  readonly sites: number;
  readonly grants: number;
}

/** A site that redeems, and the serial number of the certificate that it got. */
export interface RedeemingSite {
  readonly uid: string;
  readonly code: string;
  readonly csr: string;
  certificate?: string;
}

/** Creates grants, and returns the sites that redeem them in random order. */
export async function makeRedeemingSites(
  store: GrantStore,
  mixes: readonly GrantMix[],
): Promise<RedeemingSite[]> {
  const sites: RedeemingSite[] = [];
  const making: Promise<unknown>[] = [];
  const now = Date.now();
  for (const { uses, sites: wanting, grants } of mixes) {
    for (let made = 0; made < grants; made += 1) {
      const code = mintCode();
      const uid = randomUUID();
      const grant = sampleGrant({
        ...{ uid, codeHash: new Uint8Array(hashCode(uid, Buffer.from(code))), redemptionsAllowed: uses },
        ...{ createdAt: now, readyAt: now, expirationTime: now + DAY_MS },
      });
      making.push(store.createGrant(grant, code));
      for (let site = 0; site < wanting; site += 1) {
        const request = createCertificateRequest(await generatePrivateKey('p256'), 'site');
        sites.push({ uid, code, csr: Buffer.from(request).toString('base64') });
      }
    }
  }
  await Promise.all(making);
  return sites.sort(() => Math.random() - 0.5);
}

/**
 * Redeems for a site, and repeats the request after a 503 or a connection error. Returns the serial number of the certificate, or
 * undefined for a 404. Calls `target` before each attempt. Rejects for any other status.
 */
export async function redeemAsSite(site: RedeemingSite, target: () => Target): Promise<string | undefined> {
  for (let tried = 0; tried < 400; tried += 1) {
    const headers = { csr: site.csr, name: 'west', subject: 'west' };
    const answer = await post(target(), `/${site.uid}`, site.code, { headers }).catch(() => undefined);
    if (answer?.status === 200) {
      const [secret] = parseAllDocuments(answer.body);
      return new X509Certificate(Buffer.from(secret?.toJS().data['tls.crt'], 'base64')).serialNumber;
    }
    if (answer?.status === 404) return undefined;
    // 503 or a connection error: the service or the database is down.
    if (answer && answer.status !== 503) throw new Error(`${answer.status}: ${answer.body}`);
    await sleep(20 + Math.random() * 200);
  }
  throw new Error('a site got no certificate and no 404 in 400 attempts');
}

/** How many sites can get a certificate of these grants. */
export function expectedCertificates(mixes: readonly GrantMix[]): number {
  return mixes.reduce((sum, { uses, sites, grants }) => sum + Math.min(uses, sites) * grants, 0);
}

/**
 * Expects that as many sites as the grants allow have certificates of their own, that each gets the same certificate again, and
 * that the database has counted their uses and no other ones.
 */
export async function expectExactUses(
  sites: readonly RedeemingSite[],
  mixes: readonly GrantMix[],
  target: () => Target,
  database: { sql(text: string): Promise<readonly Record<string, unknown>[]> },
): Promise<void> {
  const served = sites.filter(({ certificate }) => certificate !== undefined);
  expect(served).toHaveLength(expectedCertificates(mixes));
  await forEachParallel(served, REPEATED_AT_ONCE, async (site) => {
    expect(await redeemAsSite(site, target)).toBe(site.certificate);
  });
  expect(new Set(served.map(({ certificate }) => certificate)).size).toBe(served.length);
  const uses = new Map<unknown, number>(sites.map(({ uid }) => [uid, 0]));
  for (const { uid } of served) uses.set(uid, (uses.get(uid) ?? 0) + 1);
  const rows = await database.sql('SELECT uid, redemptions FROM linkgrant.grants');
  const counted = rows.map(({ uid, redemptions }) => [uid, Number(redemptions)] as const);
  expect(new Map(counted.filter(([uid]) => uses.has(uid)))).toEqual(uses);
}
