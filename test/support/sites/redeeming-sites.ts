import { randomUUID, X509Certificate } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { hashCode, mintCode } from '../../../src/codes/opaque-code.js';
import { generateKeyPair } from '../../../src/pki/keys.js';
import { createCertificateRequest } from '../../../src/pki/requests.js';
import type { GrantStore } from '../../../src/redemption/ports/grant-store.js';
import { sampleGrant } from '../store-samples.js';
import { post, type Target } from '../wire.js';

const DAY_MS = 86_400_000;

/** Some grants that are alike: uses of each, how many sites want one, and how many such grants there are. */
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

/** Makes grants, and the sites that want something of them, in no order. */
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
        const request = createCertificateRequest(await generateKeyPair('p256'), 'site');
        sites.push({ uid, code, csr: Buffer.from(request).toString('base64') });
      }
    }
  }
  await Promise.all(making);
  return sites.sort(() => Math.random() - 0.5);
}

/**
 * What a site is answered: the serial number of its certificate, or undefined when nothing is left; as often as it takes to
 * be answered. `target` is asked anew each time. Rejects at any other answer than those and 503.
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
    // The service or the database is away, or was while it was asked.
    if (answer && answer.status !== 503) throw new Error(`${answer.status}: ${answer.body}`);
    await sleep(20 + Math.random() * 200);
  }
  throw new Error('a site was never answered');
}

/** How many certificates there are for the sites of these grants. */
export function usesWanted(mixes: readonly GrantMix[]): number {
  return mixes.reduce((sum, { uses, sites, grants }) => sum + Math.min(uses, sites) * grants, 0);
}

/** Does something with each site, `atOnce` at a time; `before` is told how many were begun. */
export async function withEachSite(
  sites: readonly RedeemingSite[],
  atOnce: number,
  act: (site: RedeemingSite) => Promise<void>,
  before: (begun: number) => void = () => undefined,
): Promise<void> {
  const left = sites.entries();
  const actInTurn = async () => {
    for (const [begun, site] of left) {
      before(begun);
      await act(site);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, actInTurn));
}
