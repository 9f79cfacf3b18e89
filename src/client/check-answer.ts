import { ACCESS_GRANT_STATES } from '../domain/access-grant.js';
import type { GrantPolicy } from '../domain/policy.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { isPolicySetting, parsePolicySettings } from '../redemption/accepting/policy-settings.js';
import type { TokenCheck } from '../redemption/ports/redemption-client.js';
import { MAX_ENDPOINTS, parseLinkEndpoint } from '../redemption/requesting/link-endpoint.js';

/** Reads the JSON response of `/-/check`. Throws RedemptionError `answer_invalid` with the name of the invalid field. */
export function parseTokenCheck(text: string): TokenCheck {
  const answer = parseObject(text);
  const link = answer.link as { endpoints?: unknown } | null | undefined;
  const { endpoints } = link ?? {};
  const state = ACCESS_GRANT_STATES.find((one) => one === answer.state);
  if (!state) throw unfit('state');
  if (!Array.isArray(endpoints) || endpoints.length > MAX_ENDPOINTS) throw unfit('link.endpoints');
  return {
    state,
    redemptions: count(answer.redemptions, 'redemptions'),
    redemptionsAllowed: count(answer.redemptionsAllowed, 'redemptionsAllowed'),
    expirationTime: answer.expirationTime === null ? null : time(answer.expirationTime, 'expirationTime'),
    endpoints: endpoints.map((endpoint) => {
      const parsed = parseLinkEndpoint(endpoint);
      if (typeof parsed === 'string') throw unfit('link.endpoints', parsed);
      return parsed;
    }),
    policy: policy(answer.policy),
    serverTime: time(answer.serverTime, 'serverTime'),
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new RedemptionError('answer_invalid', "The service's answer to the check is not a JSON object.");
}

/** Reads the rules, without unknown ones of a newer service, which reports their refusals when they happen. */
function policy(value: unknown): GrantPolicy {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unfit('policy');
  const supported = Object.entries(value).filter(([key]) => isPolicySetting(key));
  const parsed = parsePolicySettings(Object.fromEntries(supported));
  if ('problem' in parsed) throw unfit('policy');
  return parsed;
}

function count(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw unfit(field);
}

function time(value: unknown, field: string): number {
  const parsed = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(parsed)) throw unfit(field);
  return parsed;
}

function unfit(field: string, reason?: string): RedemptionError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new RedemptionError(
    'answer_invalid',
    `The service's answer to the check has no usable ${field}${why}.`,
  );
}
