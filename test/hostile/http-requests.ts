import { createPublicKey } from 'node:crypto';
import { signRenewalRequest } from '../../src/codes/renewal-request.js';
import { createCertificateRequest } from '../../src/pki/requests.js';
import { csrHeader, newKey, redeemedAnswer } from '../support/redeemed-answer.js';
import { post } from '../support/wire.js';
import type { HostileGrant, HostileService } from './hostile-service.js';
import { type ChangeContext, changeDraft } from './request-changes.js';
import { type RequestDraft, renderDraft } from './request-draft.js';
import type { Chance } from './round.js';

/** Grants, keys and renewal requests that the requests of a round are made from. */
export interface RequestMaterial {
  readonly grants: readonly HostileGrant[];
  /** Whole renewal requests, each of another link. */
  readonly renewals: readonly string[];
  /** DER of the public key of each CSR that was sent, by its base64 text. */
  readonly keys: Map<string, Buffer>;
}

/** A request as it is sent. */
export interface HostileRequest {
  readonly bytes: Buffer;
  /** Names of the changes; empty for an unchanged request. */
  readonly kinds: readonly string[];
}

const RENEWAL_LINKS = 20;
// The other requests are unchanged, so that each run shows that valid requests are answered among invalid ones.
const CHANGED_OF_TEN = 9;
const SIGNATURE = /\.[\w-]+$/;

function makeCsr(keys: RequestMaterial['keys']): string {
  const key = newKey();
  const { csr } = csrHeader(key);
  keys.set(csr, createPublicKey(key).export({ format: 'der', type: 'spki' }));
  return csr;
}

/** Redeems some links of a grant, and signs a renewal request for each. */
async function renewalsOf(service: HostileService, grant: HostileGrant): Promise<string[]> {
  const renewals: string[] = [];
  for (let number = 0; number < RENEWAL_LINKS; number += 1) {
    const key = newKey();
    const headers = { ...csrHeader(key), name: `link-${number}`, renews: 'true' };
    const { redemptionId, certificate } = redeemedAnswer(
      await post(service, `/${grant.uid}`, grant.code, { headers }),
    );
    renewals.push(
      await signRenewalRequest({
        certificatePem: certificate,
        privateKey: key,
        redemptionId,
        csrDer: createCertificateRequest(newKey(), 'a site'),
        now: Date.now(),
      }),
    );
  }
  return renewals;
}

/** Creates the grants of a round: one with many uses, one with rules, one of five uses, and one that no request names. */
export async function prepareMaterial(service: HostileService): Promise<RequestMaterial> {
  const grants = [
    await service.grant('many', 1_000_000),
    await service.grant('ruled', 1_000_000, {
      'linkgrant/subjects': 'allowed-*',
      'linkgrant/csr-required': 'true',
    }),
    await service.grant('few', 5),
    await service.grant('other', 1_000_000),
  ];
  const renewals = await renewalsOf(service, grants[0] as HostileGrant);
  return { grants, renewals, keys: new Map() };
}

function draftOf(index: number, material: RequestMaterial, chance: Chance): RequestDraft {
  const { grants, renewals, keys } = material;
  const grant = grants[chance.pick([0, 0, 0, 0, 0, 1, 1, 2])] as HostileGrant;
  const operation = chance.pick([...Array<string>(5).fill('redeem'), 'by key', 'check', 'renew']);
  const targets: Readonly<Record<string, string>> = {
    redeem: `/${grant.uid}`,
    'by key': `/default/${grant.name}`,
    check: `/${grant.uid}/-/check`,
    renew: '/-/renew',
  };
  const target = targets[operation] ?? '';
  const base = { method: 'POST', target, version: 'HTTP/1.1', hostLines: ['Host: grants.example.com'] };
  if (operation === 'renew') {
    const lines = ['content-type: application/jose'];
    return { ...base, lines, framing: 'length', body: chance.pick(renewals), lineEnd: '\r\n' };
  }
  const lines = [`csr: ${makeCsr(keys)}`, `name: link-${index}`, `subject: allowed-${index}`];
  const body = chance.pick([grant.code, grant.code, grant.signedCode]);
  return { ...base, lines, framing: 'length', body, lineEnd: '\r\n' };
}

/** A mutated request; one in ten is unchanged. */
export function makeRequest(index: number, material: RequestMaterial, chance: Chance): HostileRequest {
  const draft = draftOf(index, material, chance);
  const [, , , other] = material.grants as readonly [HostileGrant, HostileGrant, HostileGrant, HostileGrant];
  const context: ChangeContext = {
    chance,
    otherCodes: [other.code, other.signedCode, other.signedCode.replace(SIGNATURE, ''), ...material.renewals],
    otherTargets: [
      other.uid,
      `default/${other.name}`,
      crypto.randomUUID(),
      'default/none',
      `${other.uid}/-/check`,
    ],
    otherCsrs: [...material.keys.keys()].slice(-50),
  };
  const kinds = chance.below(10) < CHANGED_OF_TEN ? changeDraft(draft, context) : [];
  return { bytes: renderDraft(draft, chance), kinds };
}
