import type { IdentityClaims } from '../../codes/identity-claims.js';
import { isTime, timeProblem } from '../../redemption/accepting/identities/verify-identity.js';
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

/** Reports the lifetime of an identity token as the service checks it, with the clock of this machine. */
function lifetimeCheck({ times }: IdentityClaims, now: number): Check {
  const name = 'identity lifetime';
  const [from, until] = [times.iat, times.exp].map((seconds) =>
    isTime(seconds) ? formatTime(seconds * 1000) : 'an unknown time',
  );
  const detail = `from ${from} until ${until}; the clock of this machine is at ${formatTime(now)}`;
  const problem = timeProblem(times, now);
  if (problem === undefined) return ok(name, detail);
  return fail(
    name,
    `it ${problem}: ${detail}`,
    'get a new identity token, or correct the clock of this machine',
    4,
  );
}
