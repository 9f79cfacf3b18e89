import { AdministrationError } from '../../domain/administration-error.js';
import { parseDuration } from '../../domain/duration.js';
import type { GrantPolicy } from '../../domain/policy.js';
import { isPolicySetting, parsePolicySettings } from '../accepting/policy-settings.js';

/** The error for an invalid value. */
export function rejectedError(problem: string): AdministrationError {
  return new AdministrationError('value_rejected', problem);
}

/** Parses a requested window into milliseconds; undefined if there is none. Throws AdministrationError if it is not valid. */
export function windowOf(expirationWindow: string | undefined): number | undefined {
  if (expirationWindow === undefined) return undefined;
  const ms = parseDuration(expirationWindow);
  if (ms !== undefined && ms > 0) return ms;
  throw rejectedError('the expiration window must be a duration such as 90s, 15m, 1h30m or 7d');
}

/** Parses requested rules into a policy. Throws AdministrationError for an invalid or unknown rule. */
export function policyOf(rules: Readonly<Record<string, string>>): GrantPolicy {
  const policy = parsePolicySettings(rules);
  if ('problem' in policy) throw rejectedError(policy.problem);
  if (Object.keys(rules).every(isPolicySetting)) return policy;
  throw rejectedError('the policy has a member that is not a rule; the names of rules begin with linkgrant/');
}
