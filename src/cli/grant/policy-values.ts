import { type GrantPolicy, OWN_KEY_TYPE } from '../../domain/policy.js';
import {
  formatPolicySettings,
  POLICY_RULE_NAMES,
  type PolicyRule,
  parsePolicyRule,
  policyRuleNamed,
  policySetting,
} from '../../redemption/accepting/policy-settings.js';
import { usageError } from '../terminal/command-error.js';
import { writeStderr } from '../terminal/write-out.js';
import { POLICY_FLAG_OF, type PolicyFlags } from './policy-flags.js';

/** Returns the policy that the rule flags define; empty without such flags. Throws a CommandError for an invalid value. */
export function policyFromFlags(flags: PolicyFlags): GrantPolicy {
  let policy: GrantPolicy = {};
  for (const [rule, flag] of Object.entries(POLICY_FLAG_OF) as readonly [PolicyRule, keyof PolicyFlags][]) {
    const value = flags[flag];
    if (value === undefined) continue;
    const parsed = parsePolicyRule(rule, String(value));
    if ('problem' in parsed) {
      throw usageError(
        `--${POLICY_RULE_NAMES[rule]} ${parsed.problem}`,
        'correct the value; docs/how-to/restrict-a-grant.md lists the rules',
      );
    }
    policy = { ...policy, ...parsed };
  }
  return policy;
}

/** Warns on standard error if the key types of a policy exclude the keys that linkgrant itself generates for its redemptions. */
export function warnOfKeyTypes({ keyTypes }: GrantPolicy): void {
  if (!keyTypes || keyTypes.length === 0 || keyTypes.includes(OWN_KEY_TYPE)) return;
  const types = keyTypes.join(',');
  writeStderr(
    `warning: --key-types ${types} refuses the keys of \`linkgrant token redeem\`, \`linkgrant join\` and \`linkgrant link renew\`, which are ${OWN_KEY_TYPE}\n` +
      `hint: to permit them too, use --key-types ${types},${OWN_KEY_TYPE}\n`,
  );
}

/**
 * Returns the policy settings to change: the value of each rule flag, and null for each rule in `unset` (separated by commas).
 * Throws a CommandError for an invalid value, an unknown rule, and a rule that is both set and unset.
 */
export function policyChangeFromFlags(flags: PolicyFlags, unset?: string): Record<string, string | null> {
  const policy = policyFromFlags(flags);
  const change: Record<string, string | null> = formatPolicySettings(policy);
  for (const name of unset?.split(',').map((entry) => entry.trim()) ?? []) {
    const rule = policyRuleNamed(name);
    if (!rule || policy[rule] !== undefined) {
      throw usageError(
        rule ? `--${name} and --unset ${name} exclude each other` : `unknown rule "${name}" in --unset`,
        `the rules are ${Object.values(POLICY_RULE_NAMES).join(', ')}`,
      );
    }
    change[policySetting(rule)] = null;
  }
  return change;
}
