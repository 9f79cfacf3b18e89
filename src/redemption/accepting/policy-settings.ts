import { DAY_MS, formatDuration, parseDuration } from '../../domain/duration.js';
import { LINK_ROLES, type LinkRole } from '../../domain/link.js';
import { isIdentitySubject, isSubject } from '../../domain/names.js';
import type { ClientKeyType, GrantPolicy, PolicyChange } from '../../domain/policy.js';
import { networkProblem } from './cidr.js';

const PREFIX = 'linkgrant/';
// Each redemption stores a copy of its grant's policy.
const MAX_ENTRIES = 1_000;
// The settings of an AccessGrant are parsed at each request. 1,000 subjects of 60 characters are shorter.
const MAX_SETTING_LENGTH = 65_536;
// X.509 times are whole seconds.
const MIN_LIFETIME_MS = 1_000;
const MAX_LIFETIME_MS = 10 * 365 * DAY_MS;
const NAME_PATTERN = /^[a-z0-9.*?-]{1,253}$/;
const KEY_TYPES = ['p256', 'p384', 'rsa', 'ed25519'] as const satisfies readonly ClientKeyType[];
/** The largest limit of the redemptions of one identity. */
export const MAX_IDENTITY_USES = 1_000_000;
// The last time that RFC 3339 can express.
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Why the text of a setting is invalid, as the end of a sentence that begins with its name. */
interface Problem {
  readonly problem: string;
}

/** The first invalid setting; `problem` is a sentence that begins with its name. */
interface SettingProblem extends Problem {
  readonly setting: string;
}

/** The text form of one rule of a policy. */
interface Rule<T> {
  readonly parse: (text: string) => T | Problem;
  readonly format: (value: T) => string;
}

/** Every rule, in the order in which rules are shown. */
const RULES = {
  subjects: list((entry) => (isSubject(entry) ? undefined : 'is not a valid subject')),
  names: list((entry) => (NAME_PATTERN.test(entry) ? undefined : 'is not a valid link name pattern')),
  sourceCidrs: list(networkProblem),
  keyTypes: listOf<ClientKeyType>(KEY_TYPES),
  endpointRoles: listOf<LinkRole>(LINK_ROLES),
  certificateLifetimeMs: { parse: parseLifetime, format: formatDuration },
  csrRequired: { parse: parseFlag, format: String },
  notBefore: { parse: parseMoment, format: (ms) => new Date(ms).toISOString().replace('.000Z', 'Z') },
  identities: list((entry) => (isIdentityGlob(entry) ? undefined : 'is not PROVIDER:SUB')),
  identityUses: { parse: parseUses, format: String },
  identityRequired: { parse: parseFlag, format: String },
} as const satisfies { readonly [K in keyof GrantPolicy]-?: Rule<NonNullable<GrantPolicy[K]>> };

/** A rule of a policy, by its field. */
export type PolicyRule = keyof typeof RULES;

/** The name of each rule without `linkgrant/`, as used in settings and, with `--`, in flags. */
export const POLICY_RULE_NAMES = {
  subjects: 'subjects',
  names: 'names',
  sourceCidrs: 'source-cidrs',
  keyTypes: 'key-types',
  endpointRoles: 'endpoint-roles',
  certificateLifetimeMs: 'certificate-lifetime',
  csrRequired: 'csr-required',
  notBefore: 'not-before',
  identities: 'identities',
  identityUses: 'identity-uses',
  identityRequired: 'identity-required',
} as const satisfies Record<PolicyRule, string>;

/** The rules of a policy, in the form of `spec.settings` of an AccessGrant; {@link parsePolicyRule} defines the values. */
export type PolicySettings = {
  readonly [Rule in PolicyRule as `linkgrant/${(typeof POLICY_RULE_NAMES)[Rule]}`]?: string;
};

const RULE_FIELDS = Object.keys(RULES) as readonly PolicyRule[];

/** Returns the rule of that name, without `linkgrant/`; undefined if there is none. */
export function policyRuleNamed(name: string): PolicyRule | undefined {
  return RULE_FIELDS.find((rule) => POLICY_RULE_NAMES[rule] === name);
}

/** Returns the key of the setting that contains a rule. */
export function policySetting(rule: PolicyRule): string {
  return PREFIX + POLICY_RULE_NAMES[rule];
}

/** Returns the rule that a setting of that key contains; undefined if it contains none. */
export function ruleOfSetting(key: string): PolicyRule | undefined {
  return key.startsWith(PREFIX) ? policyRuleNamed(key.slice(PREFIX.length)) : undefined;
}

/** Parses the value of one rule. Returns a policy with only this rule, or why the value is invalid, as the end of a sentence. */
export function parsePolicyRule(
  rule: PolicyRule,
  text: string,
  maxLength = MAX_SETTING_LENGTH,
): GrantPolicy | Problem {
  if (text.length > maxLength) return { problem: `has more than ${maxLength} characters` };
  const value: unknown = RULES[rule].parse(text);
  return typeof value === 'object' && value !== null && 'problem' in value
    ? (value as Problem)
    : { [rule]: value };
}

/**
 * Parses the policy in the settings of an AccessGrant (`spec.settings`), or returns the first problem as a sentence. Lists are
 * separated by commas, and an empty list allows no value. `linkgrant/certificate-lifetime` is a duration of 1 second to 10 years,
 * `linkgrant/csr-required` and `linkgrant/identity-required` are true or false, `linkgrant/identity-uses` is a whole number, and
 * `linkgrant/not-before` is an RFC 3339 time. A setting with more than `maxLength` characters is invalid. Settings of other programs
 * are ignored, but an unknown setting that begins with `linkgrant` is invalid, so that a misspelt rule is not ignored.
 */
export function parsePolicySettings(
  settings: Readonly<Record<string, unknown>>,
  maxLength = MAX_SETTING_LENGTH,
): GrantPolicy | SettingProblem {
  let policy: GrantPolicy = {};
  for (const [key, text] of Object.entries(settings)) {
    if (!/^linkgrant\b/i.test(key)) continue;
    const rule = ruleOfSetting(key);
    if (!rule) {
      const names = Object.values(POLICY_RULE_NAMES).map((name) => PREFIX + name);
      const problem = `${quoted(key)} is not a setting; the settings are ${names.join(', ')}`;
      return { problem, setting: key };
    }
    // A YAML file can have a number or a boolean here.
    if (typeof text !== 'string') return { problem: `${key} is not a string: quote it`, setting: key };
    const parsed = parsePolicyRule(rule, text, maxLength);
    if ('problem' in parsed) return { problem: `${key} ${parsed.problem}`, setting: key };
    policy = { ...policy, ...parsed };
  }
  return policy;
}

/**
 * Parses the policy that was recorded with a redemption, of any length: a renewal stays bound to the rules of its redemption,
 * even if they were accepted before the limit.
 */
export function parseRecordedPolicy(
  settings: Readonly<Record<string, unknown>>,
): GrantPolicy | SettingProblem {
  return parsePolicySettings(settings, Number.POSITIVE_INFINITY);
}

/** Returns the settings that {@link parsePolicySettings} reads as this policy. */
export function formatPolicySettings(policy: GrantPolicy): PolicySettings {
  return formatPolicyChange(policy) as PolicySettings;
}

/** Returns the settings that a change sets, and, with null, those that it removes. */
export function formatPolicyChange(change: PolicyChange): Record<string, string | null> {
  const settings: Record<string, string | null> = {};
  for (const rule of RULE_FIELDS) {
    const value = change[rule];
    if (value === undefined) continue;
    const { format } = RULES[rule] as Rule<unknown>;
    settings[policySetting(rule)] = value === null ? null : format(value);
  }
  return settings;
}

/** True for policies with the same text form. */
export function isSamePolicy(one: GrantPolicy, other: GrantPolicy): boolean {
  return JSON.stringify(formatPolicySettings(one)) === JSON.stringify(formatPolicySettings(other));
}

/** A list of entries; `problemOf` returns why an entry is invalid, as a predicate ("is …", "has …"), else undefined. */
function list<T extends string>(problemOf: (entry: string) => string | undefined): Rule<readonly T[]> {
  return {
    parse(text) {
      if (text.trim() === '') return [];
      const entries = text.split(',').map((entry) => entry.trim());
      if (entries.length > MAX_ENTRIES) return { problem: `has more than ${MAX_ENTRIES} entries` };
      if (entries.includes('')) return { problem: 'has an empty entry: separate entries by one comma' };
      for (const entry of entries) {
        const reason = problemOf(entry);
        if (reason !== undefined) return { problem: `has ${quoted(entry)}, which ${reason}` };
      }
      return entries as T[];
    },
    format: (entries) => entries.join(','),
  };
}

function listOf<T extends string>(values: readonly T[]): Rule<readonly T[]> {
  return list((entry) =>
    values.some((value) => value === entry) ? undefined : `is not one of ${values.join(', ')}`,
  );
}

function parseLifetime(text: string): number | Problem {
  const ms = parseDuration(text);
  if (ms === undefined)
    return { problem: `is ${quoted(text)}, which is not a duration such as 12h, 30d or 26w` };
  if (ms >= MIN_LIFETIME_MS && ms <= MAX_LIFETIME_MS) return ms;
  return { problem: 'must be at least 1s and at most 10 years' };
}

function parseFlag(text: string): boolean | Problem {
  if (text === 'true' || text === 'false') return text === 'true';
  return { problem: `is ${quoted(text)}, but must be true or false` };
}

function parseUses(text: string): number | Problem {
  const uses = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (uses >= 1 && uses <= MAX_IDENTITY_USES) return uses;
  return { problem: `is ${quoted(text)}, but must be a whole number from 1 to ${MAX_IDENTITY_USES}` };
}

function isIdentityGlob(entry: string): boolean {
  const [, provider, sub] = /^([a-z0-9*?-]{1,63}):(.*)$/s.exec(entry) ?? [];
  return provider !== undefined && isIdentitySubject(sub);
}

function parseMoment(text: string): number | Problem {
  const [whole = '', year, month, day] = RFC_3339.exec(text) ?? [];
  // Date converts February 30 to March 1 or 2.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  const ms = Date.parse(whole);
  if (isDay && ms >= 0 && ms <= LAST_MOMENT) return ms;
  return { problem: `is ${quoted(text)}, which is not a time such as 2031-01-31T08:00:00Z` };
}

/** Quotes a text of the user, or describes it if it is not printable. */
function quoted(text: string): string {
  return isSubject(text) ? `"${text}"` : 'a text that is empty, too long or unprintable';
}
