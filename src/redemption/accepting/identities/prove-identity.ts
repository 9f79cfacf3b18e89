import { identityJti } from '../../../codes/code-id.js';
import type { SignedCode } from '../../../codes/signed-code.js';
import type { AccessGrant } from '../../../domain/access-grant.js';
import { sha256Hex } from '../../../pki/sha256.js';
import type { IdentityProviders } from '../../ports/identity-providers.js';
import { permitsIdentity } from '../check-policy.js';
import { MAX_IDENTITY_USES } from '../policy-settings.js';
import { readCsr } from '../requested-key.js';
import {
  type IdentityRules,
  type UnverifiedIdentity,
  type VerifiedIdentity,
  verifyIdentity,
} from './verify-identity.js';

/** Longest common name of a certificate (RFC 5280, ub-common-name). */
const MAX_COMMON_NAME = 64;
/** The limits in the record of an identity. It never expires, and the rule of the grant limits its uses. */
export const IDENTITY_LIMITS = { uses: MAX_IDENTITY_USES, expirationTime: Date.UTC(9999, 11, 31) };

/** An identity that a grant permits. */
export interface ProvenIdentity {
  readonly provider: string;
  /** `provider:sub` */
  readonly name: string;
  /** The default subject of its certificate. */
  readonly subject: string;
  /** How often it may redeem the grant. */
  readonly uses: number;
}

/** A grant, and the identity that it permits with the record that counts its uses. */
interface PermittedIdentity {
  readonly grant: AccessGrant;
  readonly identity: ProvenIdentity;
  readonly signedCode: SignedCode;
}

/** Returns how often one identity may redeem a grant. */
export function identityUsesOf({ policy }: Pick<AccessGrant, 'policy'>): number {
  return policy.identityUses ?? 1;
}

/** Returns the record that counts the uses of an identity, in the form of a signed code. The rule of the grant limits its uses. */
function identityRecord(grantUid: string, { provider, sub }: VerifiedIdentity): SignedCode {
  const jti = identityJti(provider, sub);
  return { jti, grantUid, issuedAt: 0, ...IDENTITY_LIMITS };
}

/** Returns the default subject of the certificate of an identity: its name, or if that is too long, its provider and a hash. */
function identitySubject(provider: string, name: string): string {
  return name.length <= MAX_COMMON_NAME ? name : `${provider}:${sha256Hex(name).slice(0, 32)}`;
}

/**
 * Returns the identity that a token and a CSR prove, if the grant permits it, and counts the token. Verifies the token even without a
 * grant, so that time does not reveal whether the grant exists. Undefined if no provider is configured, or if the code does not have
 * the form of a JWT.
 */
export async function proveIdentity(
  grant: AccessGrant | undefined,
  code: Uint8Array,
  csr: string | undefined,
  providers: IdentityProviders | undefined,
): Promise<PermittedIdentity | UnverifiedIdentity | undefined> {
  if (!providers) return undefined;
  const requestedKey = () => {
    const request = csr === undefined ? undefined : readCsr(csr);
    return request && 'keySha256' in request ? request.keySha256 : undefined;
  };
  const permitted = await permittedIdentity(grant, code, { providers, requestedKey });
  if (!permitted) return undefined;
  const { provider } = 'identity' in permitted ? permitted.identity : permitted;
  const proof =
    'identity' in permitted && csr === undefined
      ? { check: 'csr' as const, failed: 'came without a certificate request', provider }
      : permitted;
  providers.countToken('identity' in proof ? 'accepted' : proof.check, provider);
  return proof;
}

/** Returns the identity that a token proves, if the grant permits it; undefined for a code without the form of a JWT. */
export async function permittedIdentity(
  grant: AccessGrant | undefined,
  code: Uint8Array,
  rules: IdentityRules,
): Promise<PermittedIdentity | UnverifiedIdentity | undefined> {
  const verified = await verifyIdentity(code, rules);
  if (!verified || 'failed' in verified) return verified;
  const { provider, sub } = verified;
  const name = `${provider}:${sub}`;
  if (!grant || !permitsIdentity(grant.policy, verified)) {
    const failed = `proves the identity ${JSON.stringify(name)}, which the grant does not permit (identities)`;
    return { check: 'grant', failed, provider };
  }
  const subject = identitySubject(provider, name);
  const identity = { provider, name, subject, uses: identityUsesOf(grant) };
  return { grant, identity, signedCode: identityRecord(grant.uid, verified) };
}
