import { ACCESS_GRANT_STATES } from '../domain/access-grant.js';
import type { GrantPolicy } from '../domain/policy.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { asMapping } from '../files/yaml-documents.js';
import { isPolicySetting, parsePolicySettings } from '../redemption/accepting/policy-settings.js';
import type { TokenCheck } from '../redemption/ports/redemption-client.js';
import { MAX_ENDPOINTS, parseLinkEndpoint } from '../redemption/requesting/link-endpoint.js';

/** Reads the JSON response of `/-/check`. Throws RedemptionError `answer_invalid` with the name of the invalid field. */
export function parseTokenCheck(text: string): TokenCheck {
  const answer = parseObject(text);
  const { endpoints } = asMapping(answer.link);
  const state = ACCESS_GRANT_STATES.find((one) => one === answer.state);
  if (!state) throw invalidField('state');
  if (!Array.isArray(endpoints) || endpoints.length > MAX_ENDPOINTS) throw invalidField('link.endpoints');
  return {
    state,
    redemptions: readCount(answer.redemptions, 'redemptions'),
    redemptionsAllowed: readCount(answer.redemptionsAllowed, 'redemptionsAllowed'),
    expirationTime: answer.expirationTime === null ? null : readTime(answer.expirationTime, 'expirationTime'),
    endpoints: endpoints.map((endpoint) => {
      const parsed = parseLinkEndpoint(endpoint);
      if (typeof parsed === 'string') throw invalidField('link.endpoints', parsed);
      return parsed;
    }),
    policy: readPolicy(answer.policy),
    serverTime: readTime(answer.serverTime, 'serverTime'),
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new RedemptionError('answer_invalid', "The service's answer to the check is not a JSON object.");
}

/** Reads the rules and ignores unknown ones: a newer service enforces these itself when the token is redeemed. */
function readPolicy(value: unknown): GrantPolicy {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidField('policy');
  const supported = Object.entries(value).filter(([key]) => isPolicySetting(key));
  const parsed = parsePolicySettings(Object.fromEntries(supported));
  if ('problem' in parsed) throw invalidField('policy');
  return parsed;
}

function readCount(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidField(field);
}

function readTime(value: unknown, field: string): number {
  const parsed = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(parsed)) throw invalidField(field);
  return parsed;
}

function invalidField(field: string, reason?: string): RedemptionError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new RedemptionError(
    'answer_invalid',
    `The service's answer to the check has no usable ${field}${why}.`,
  );
}
