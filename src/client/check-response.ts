import { z } from 'zod';
import { ACCESS_GRANT_STATES } from '../domain/access-grant.js';
import type { GrantPolicy } from '../domain/policy.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { parsePolicySettings, ruleOfSetting } from '../redemption/accepting/policy-settings.js';
import type { TokenCheck } from '../redemption/ports/redemption-client.js';
import { MAX_ENDPOINTS, parseLinkEndpoint } from '../redemption/requesting/link-endpoint.js';

const COUNT = z.int().nonnegative();
const TIME = z.string().transform(Date.parse).pipe(z.int());
const CHECK = z.object({
  state: z.enum(ACCESS_GRANT_STATES),
  redemptions: COUNT,
  redemptionsAllowed: COUNT,
  expirationTime: TIME.nullable(),
  link: z.object({ endpoints: z.array(z.unknown()).max(MAX_ENDPOINTS) }),
  policy: z.record(z.string(), z.unknown()).default({}),
  serverTime: TIME,
});

/** Reads the JSON response of `/-/check`. Throws RedemptionError `answer_invalid` with the name of the invalid field. */
export function parseTokenCheck(text: string): TokenCheck {
  const { data, error } = CHECK.safeParse(parseObject(text));
  if (error) throw invalidField(error.issues[0]?.path.join('.') ?? '');
  const { link, policy, ...check } = data;
  const endpoints = link.endpoints.map((endpoint) => {
    const parsed = parseLinkEndpoint(endpoint);
    if (typeof parsed === 'string') throw invalidField('link.endpoints', parsed);
    return parsed;
  });
  return { ...check, endpoints, policy: readPolicy(policy) };
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new RedemptionError('answer_invalid', "The service's response to the check is not a JSON object.");
}

/** Reads the rules and ignores unknown ones: a newer service enforces these itself when the token is redeemed. */
function readPolicy(settings: Record<string, unknown>): GrantPolicy {
  const supported = Object.entries(settings).filter(([key]) => ruleOfSetting(key));
  const parsed = parsePolicySettings(Object.fromEntries(supported));
  if ('problem' in parsed) throw invalidField('policy');
  return parsed;
}

function invalidField(field: string, reason?: string): RedemptionError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new RedemptionError(
    'answer_invalid',
    `The service's response to the check has no usable ${field}${why}.`,
  );
}
