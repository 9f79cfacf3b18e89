import type { GrantPolicy } from '../domain/policy.js';
import {
  POLICY_RULE_NAMES,
  type PolicyRule,
  parsePolicyRule,
  policyRuleNamed,
} from '../redemption/policy-settings.js';
import { CommandError } from './command-error.js';
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

/** The policy of the rules that were given as flags; empty when none was. Throws a CommandError for a value that cannot be. */
export function policyOf(flags: PolicyFlags): GrantPolicy {
  let policy: GrantPolicy = {};
  for (const rule of RULES) {
    const given = flags[FLAGS[rule]];
    if (given === undefined) continue;
    const parsed = parsePolicyRule(rule, String(given));
    if ('problem' in parsed) {
      throw new CommandError(`--${POLICY_RULE_NAMES[rule]} ${parsed.problem}`, {
        exitCode: 2,
        hint: 'correct the value; docs/policy.md tells what each rule takes',
      });
    }
    policy = { ...policy, ...parsed };
  }
  return policy;
}

/** `policy` with the rules that were given, and without those that `unset` names, parted by commas. Throws a CommandError. */
export function changedPolicy(policy: GrantPolicy, flags: PolicyFlags, unset?: string): GrantPolicy {
  const given = policyOf(flags);
  const changed: { -readonly [K in keyof GrantPolicy]: GrantPolicy[K] } = { ...policy, ...given };
  for (const name of unset?.split(',').map((entry) => entry.trim()) ?? []) {
    const rule = policyRuleNamed(name);
    if (!rule || given[rule] !== undefined) {
      throw new CommandError(
        rule ? `--${name} cannot be given and unset` : `there is no rule "${name}" to unset`,
        {
          exitCode: 2,
          hint: `the rules are ${Object.values(POLICY_RULE_NAMES).join(', ')}`,
        },
      );
    }
    delete changed[rule];
  }
  return changed;
}
