import type { IdentityClaims } from '../../codes/identity-claims.js';
import { DAY_MS } from '../../domain/duration.js';
import {
  describeAudiences,
  readIdentity,
  requireAudience,
  type SiteIdentity,
  type WantedAudience,
  wantedAudience,
} from '../../redemption/requesting/identity-client.js';
import { formatTime } from '../terminal/output.js';
import { type Check, fail, failWithError, ok } from './doctor-check.js';

// The difference of clocks that a service permits.
const LEEWAY_MS = 60_000;

/**
 * Checks an identity token of this site: whether it would be sent to the service of `url`, and its lifetime. Sends nothing. The results
 * contain claims of the token, and no part of its signature.
 */
export async function identityChecks(
  url: string,
  csrDer: Uint8Array | undefined,
  identity: SiteIdentity,
  now: number,
): Promise<Check[]> {
  const wanted = wantedAudience(url, csrDer, identity);
  try {
    const { claims } = await readIdentity(identity, wanted);
    const { issuer = 'no issuer', subject = 'no subject' } = claims;
    const token = ok('identity', `${subject} of ${issuer}`);
    return [token, audienceCheck(claims, wanted, url), lifetimeCheck(claims, now)];
  } catch (error) {
    return [failWithError('identity', error, '')];
  }
}

function audienceCheck(claims: IdentityClaims, wanted: WantedAudience, url: string): Check {
  try {
    requireAudience(claims, wanted, url);
    return ok(
      'identity audience',
      `${describeAudiences(claims.audiences)}, so it is sent to ${new URL(url).origin}`,
    );
  } catch (error) {
    return failWithError('identity audience', error, '');
  }
}

function lifetimeCheck({ issuedAt, expirationTime }: IdentityClaims, now: number): Check {
  const name = 'identity lifetime';
  if (issuedAt === undefined || expirationTime === undefined)
    return fail(name, 'it has no iat or no exp, so no service accepts it', 'get a token with both claims', 3);
  const detail = `from ${formatTime(issuedAt)} until ${formatTime(expirationTime)}; the clock of this machine is at ${formatTime(now)}`;
  if (expirationTime - issuedAt > DAY_MS)
    return fail(
      name,
      `${detail}; no service accepts more than 24 hours`,
      'get a token with a shorter lifetime',
      3,
    );
  if (issuedAt > now + LEEWAY_MS) return fail(name, detail, 'correct the clock of this machine', 4);
  if (expirationTime < now - LEEWAY_MS)
    return fail(
      name,
      `it has expired: ${detail}`,
      'get a new identity token, or correct the clock of this machine',
      4,
    );
  return ok(name, detail);
}
