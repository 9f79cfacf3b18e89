import { AdministrationError } from '../../domain/administration-error.js';
import { parseDuration } from '../../domain/duration.js';
import { isResourceName, isSubject } from '../../domain/names.js';
import type { GrantPolicy, PolicyChange } from '../../domain/policy.js';
import { type PolicyRule, parsePolicySettings, ruleOfSetting } from '../accepting/policy-settings.js';

/** The error for an invalid value. `member` is the member of the request that has it; absent if it is not exactly one. */
export function rejectedError(problem: string, member?: string): AdministrationError {
  return new AdministrationError('value_rejected', problem, { member });
}

/** Parses a requested window into milliseconds; undefined if there is none. Throws AdministrationError if it is not valid. */
export function windowOf(expirationWindow: string | undefined): number | undefined {
  if (expirationWindow === undefined) return undefined;
  const ms = parseDuration(expirationWindow);
  if (ms !== undefined && ms > 0) return ms;
  throw rejectedError(
    'the expiration window must be a duration such as 90s, 15m, 1h30m or 7d',
    'expirationWindow',
  );
}

/** Parses requested rules into a policy. Throws AdministrationError for an invalid or unknown rule. */
export function policyOf(rules: Readonly<Record<string, string>>): GrantPolicy {
  const policy = parsePolicySettings(rules);
  if ('problem' in policy) throw rejectedError(policy.problem, `policy.${policy.setting}`);
  for (const key of Object.keys(rules)) requireRule(key);
  return policy;
}

/** Parses requested changes to rules; null removes a rule. Throws AdministrationError for an invalid or unknown rule. */
export function policyChangeOf(rules: Readonly<Record<string, string | null>>): PolicyChange {
  const values = Object.entries(rules).filter((rule): rule is [string, string] => rule[1] !== null);
  const removed = Object.keys(rules).filter((key) => rules[key] === null);
  return {
    ...policyOf(Object.fromEntries(values)),
    ...Object.fromEntries(removed.map((key) => [requireRule(key), null])),
  };
}

function requireRule(key: string): PolicyRule {
  const rule = ruleOfSetting(key);
  if (rule) return rule;
  throw rejectedError('the policy has a member that is not a rule; the names of rules begin with linkgrant/');
}

/** Throws AdministrationError `value_rejected` if the name or the subject of a token or a link to issue is not valid. */
export function requireValidNames(
  { name, subject }: { readonly name?: string | undefined; readonly subject?: string | undefined },
  what: 'token' | 'link',
): void {
  if (name !== undefined && !isResourceName(name))
    throw rejectedError(`the name of the ${what} is not a valid resource name`, 'name');
  if (subject !== undefined && !isSubject(subject))
    throw rejectedError('the subject is not 1 to 253 printable characters', 'subject');
}
