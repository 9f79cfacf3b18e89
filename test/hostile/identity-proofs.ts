import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { createCertificateRequest } from '../../src/pki/requests.js';
import { mutateRequest } from '../fuzz/mutated-requests.mjs';
import { identityIssuer, identityToken, type TokenChanges, writeJwks } from '../support/identity-issuer.js';
import { keySha256, newKey } from '../support/redeemed-answer.js';
import type { HostileService } from './hostile-service.js';
import { changeJws } from './jws-changes.js';
import type { HostileProof, ProofSource } from './proof-round.js';
import type { Chance } from './round.js';

const SITES = 24;
const AUDIENCE = 'https://grants.example.com';

const issuer = identityIssuer();
const stranger = identityIssuer();

/** A site with an identity. */
interface HostileSite {
  readonly sub: string;
  readonly key: KeyObject;
  readonly csr: Buffer;
}

/** Returns the flags of a service that accepts the identities of the provider `east`; its keys are in a file of `directory`. */
export function identityFlags(directory: string): readonly string[] {
  const keys = writeJwks(join(directory, 'east-jwks.json'), issuer);
  return ['--identities', JSON.stringify({ east: { issuer: issuer.iss, keys, audience: AUDIENCE } })];
}

/** Creates a grant for identities, and returns requests with mutated tokens and CSRs of them. */
export async function identityProofs(service: HostileService): Promise<ProofSource> {
  const grant = await service.grant('identities', 1_000, { 'linkgrant/identities': 'east:site-*' });
  const sites = Array.from({ length: SITES }, (_, number): HostileSite => {
    const key = newKey();
    return { sub: `site-${number}`, key, csr: Buffer.from(createCertificateRequest(key, 'a site')) };
  });
  return {
    name: 'tokens of identities',
    make: (_index, chance) => identityProof(grant.uid, sites, chance),
  };
}

// The signature is that of the provider, and the token is not valid.
const CHANGES: Readonly<Record<string, TokenChanges>> = {
  'no aud': { claims: { aud: undefined } },
  'aud as number': { claims: { aud: 1 } },
  'aud as object': { claims: { aud: { [AUDIENCE]: true } } },
  'a prefix of the audience': { claims: { aud: AUDIENCE.slice(0, -1) } },
  'another audience': { claims: { aud: ['https://other.example.com'] } },
  'the key of another': { claims: { aud: [AUDIENCE, `${AUDIENCE}#${'ab'.repeat(32)}`] } },
  'another iss': { claims: { iss: 'https://other.example.com' } },
  'another sub': { claims: { sub: 'other' } },
  'a sub with a line break': { claims: { sub: 'site-\n' } },
  'a long sub': { claims: { sub: `site-${'x'.repeat(600)}` } },
  'no exp': { claims: { exp: undefined } },
  expired: { claims: { iat: 1_000, exp: 2_000 } },
  'a long lifetime': { claims: { exp: 4_000_000_000 } },
  'alg none': { header: { alg: 'none' } },
  HS256: { header: { alg: 'HS256' } },
  'typ of a logout': { header: { typ: 'logout+jwt' } },
  crit: { header: { crit: ['exp'] } },
  'an unknown kid': { header: { kid: 'key-2' } },
  'claims that are no object': { text: '[]' },
  'duplicate claims': { text: `{"iss":"${issuer.iss}","sub":"site-1","sub":"site-2","aud":"${AUDIENCE}"}` },
};

function identityProof(uid: string, sites: readonly HostileSite[], chance: Chance): HostileProof {
  const { sub, key, csr } = chance.pick(sites);
  const other = chance.pick(sites.filter((site) => site.sub !== sub)) as HostileSite;
  const tokenOf = (site: HostileSite, changes: TokenChanges = {}, signer = issuer) => {
    const aud = chance.pick([AUDIENCE, [AUDIENCE, 'x'], `${AUDIENCE}#${keySha256(site.key)}`]);
    return identityToken(signer, { sub: site.sub, aud, now: Date.now() }, changes);
  };
  const boundTo = (site: HostileSite) =>
    tokenOf(site, { claims: { aud: `${AUDIENCE}#${keySha256(site.key)}` } });
  const site = { sub, key, csr };
  const request = (body: string, der: Buffer, kinds: readonly string[]): HostileProof => ({
    path: `/${uid}${chance.pick(['', '/-/check'])}`,
    body,
    headers: { name: sub, csr: der.toString('base64') },
    kinds,
    key,
  });
  return chance.pick<() => HostileProof>([
    () => request(tokenOf(site), csr, []),
    () => {
      const token = tokenOf(site);
      const { text, kind } = changeJws(token, [boundTo(other)], chance);
      return request(text, csr, text.replace(/\n$/, '') === token ? [] : [kind]);
    },
    () => {
      const kind = chance.pick(Object.keys(CHANGES));
      return request(tokenOf(site, CHANGES[kind]), csr, [kind]);
    },
    () => request(tokenOf(site, {}, stranger), csr, ['signed with another key of this kid']),
    () => request(boundTo(other), csr, ['bound to the key of another']),
    () => {
      // A check reads no CSR unless the token is bound to its key.
      const { der, kinds } = mutateRequest(csr, chance);
      return { ...request(boundTo(site), der, kinds), isMutatedCsr: true };
    },
  ])();
}
