import type { GrantPolicy } from '../../domain/policy.js';
import {
  formatPolicySettings,
  POLICY_RULE_NAMES,
  type PolicyRule,
  parsePolicyRule,
  policyRuleNamed,
  policySetting,
} from '../../redemption/accepting/policy-settings.js';
import { CommandError } from '../terminal/command-error.js';
import type { PolicyFlags } from './policy-flags.js';

const FLAGS = {
  subjects: 'subjects',
  names: 'names',
  sourceCidrs: 'sourceCidrs',
  keyTypes: 'keyTypes',
  certificateLifetimeMs: 'certificateLifetime',
  csrRequired: 'csrRequired',
  notBefore: 'notBefore',
} as const satisfies Record<PolicyRule, keyof PolicyFlags>;

const RULES = Object.keys(FLAGS) as readonly PolicyRule[];

/** The policy of the rules among the flags; empty if there are none. Throws a CommandError for an invalid value. */
export function policyOf(flags: PolicyFlags): GrantPolicy {
  let policy: GrantPolicy = {};
  for (const rule of RULES) {
    const value = flags[FLAGS[rule]];
    if (value === undefined) continue;
    const parsed = parsePolicyRule(rule, String(value));
    if ('problem' in parsed) {
      throw new CommandError(`--${POLICY_RULE_NAMES[rule]} ${parsed.problem}`, {
        exitCode: 2,
        hint: 'correct the value; docs/how-to/restrict-a-grant.md lists the rules',
      });
    }
    policy = { ...policy, ...parsed };
  }
  return policy;
}

/**
 * The rules to change, as settings: those among the flags, and, with null, those that `unset` names, separated by commas.
 * Throws a CommandError.
 */
export function policyChange(flags: PolicyFlags, unset?: string): Record<string, string | null> {
  const set = policyOf(flags);
  const change: Record<string, string | null> = formatPolicySettings(set);
  for (const name of unset?.split(',').map((entry) => entry.trim()) ?? []) {
    const rule = policyRuleNamed(name);
    if (!rule || set[rule] !== undefined) {
      throw new CommandError(
        rule ? `--${name} cannot be given and unset` : `there is no rule "${name}" to unset`,
        {
          exitCode: 2,
          hint: `the rules are ${Object.values(POLICY_RULE_NAMES).join(', ')}`,
        },
      );
    }
    change[policySetting(rule)] = null;
  }
  return change;
}
