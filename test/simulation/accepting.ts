import { generateKeyPairSync } from 'node:crypto';
import type { SignedCode } from '../../src/codes/signed-code.js';
import type { AccessGrant } from '../../src/domain/access-grant.js';
import type { CertificateAuthority } from '../../src/pki/authority.js';
import { privateKeyPem, spkiOf } from '../../src/pki/keys.js';
import { createCertificateRequest } from '../../src/pki/requests.js';
import { sha256Hex } from '../../src/pki/sha256.js';
import type { AcceptingSide } from '../../src/redemption/accepting/accepting-side.js';
import { IDENTITY_LIMITS } from '../../src/redemption/accepting/identities/prove-identity.js';
import type { ProvenCode } from '../../src/redemption/accepting/prove-code.js';
import type { GrantStore } from '../../src/redemption/ports/grant-store.js';
import { SAMPLE_CODE } from '../support/store-samples.js';
import { START } from './simulated-time.js';
import { CLIENTS, type CODES } from './steps.js';

// Signing takes longer than all the rest of a simulation, and the store does not read certificates.
const ISSUER = {
  sha256: '00',
  description: 'the CA',
  notBefore: 0,
  notAfter: Infinity,
} as CertificateAuthority;
const LIFETIME_MS = 86_400_000;

/** The expiration time of every grant. */
export const GRANT_EXPIRATION = START + 30_000;
const CODE_EXPIRATION = START + 15_000;

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
/** The CSR of each client, base64 of its DER. */
export const CSRS = Array.from({ length: CLIENTS }, () =>
  Buffer.from(createCertificateRequest(newKey(), 'site')).toString('base64'),
);
const key = newKey();
const generatedKey = { spkiDer: spkiOf(key), keyPem: privateKeyPem(key) };

/** A certificate of a link, which is not signed. */
export function certificateFor(redemptionId: string, number: number, now: number) {
  const serial = sha256Hex(`${redemptionId} ${number} ${now}`).slice(0, 32);
  return {
    serial,
    keySha256: sha256Hex(redemptionId),
    certificateSha256: sha256Hex(serial),
    issuerSha256: ISSUER.sha256,
    notAfter: Math.floor((now + LIFETIME_MS) / 1_000) * 1_000,
    certificate: serial,
  };
}

/** The accepting side of a replica. Keys and certificates are not real. */
export function acceptingSide(store: GrantStore, clock: () => number): AcceptingSide {
  const endpoints = [
    { name: 'inter-router', host: 'router.example', port: '55671', group: 'router' },
  ] as const;
  return {
    store,
    site: { resolveAccess: async () => ({ siteUid: null, endpoints, issuer: ISSUER, caCrt: 'the CA' }) },
    service: () => ({ url: 'https://linkgrant.example', ca: 'the CA' }),
    codeKeys: { find: async () => undefined } as unknown as AcceptingSide['codeKeys'],
    keys: { type: 'p256', generate: async () => generatedKey },
    issueCertificate: async ({ redemptionId, now }) => certificateFor(redemptionId, 0, now),
    stockReplay: { windowMs: 10_000, bindSource: false },
    clock,
    checkpoint: () => undefined,
    onLedgerFailure: () => undefined,
  };
}

/** The uses that each kind of code or identity has; the code of the grant has those of the grant. */
export const CODE_USES = { 'signed once': 1, 'signed twice': 2, bound: 1, replacement: 1, identity: 1 };

/**
 * What a request with this code proves. The proof itself is not simulated: it reads no state of the store but the grant. `replaces` is
 * the id of the redemption that a replacement revokes.
 */
export function provenCode(
  grant: AccessGrant,
  code: (typeof CODES)[number],
  client: number,
  replaces: string | undefined,
): ProvenCode {
  if (code === 'opaque') return { grant };
  const base = { grantUid: grant.uid, issuedAt: START, expirationTime: CODE_EXPIRATION };
  const jti = jtiOf(code, client) as string;
  if (code === 'identity') {
    const identity = {
      provider: 'ci',
      name: `ci:${client}`,
      subject: `site-${client}`,
      uses: CODE_USES.identity,
    };
    return { grant, identity, signedCode: { ...base, ...IDENTITY_LIMITS, jti } };
  }
  const signedCode: SignedCode = { ...base, jti, uses: CODE_USES[code] };
  if (code === 'bound') return { grant, signedCode: { ...signedCode, subject: `site-${client}` } };
  return { grant, signedCode: { ...signedCode, ...(replaces !== undefined && { replaces }) } };
}

/** The id of a code; each client has its own bound code, replacement and identity. */
export function jtiOf(code: (typeof CODES)[number], client: number): string | undefined {
  if (code === 'opaque') return undefined;
  return code.startsWith('signed') ? code.replace(' ', '-') : `${code}-${client}`;
}

/** The code as a client sends it. */
export const CODE_TEXT = Buffer.from(SAMPLE_CODE);
