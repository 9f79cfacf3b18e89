import { OWN_KEY_TYPE } from '../../../src/domain/policy.js';
import type { Api } from '../api/client.js';

/** A rule of a grant: its setting, its flag on the command line, and its texts. `describe` returns the rule as a sentence. */
interface Rule {
  readonly setting: keyof Api['Policy'];
  readonly flag: string;
  readonly label: string;
  readonly help: string;
  readonly describe: (value: string) => string;
}

/** The rules that are true or false. */
export const SWITCHES: readonly string[] = ['linkgrant/csr-required', 'linkgrant/identity-required'];

const list = (value: string) => (value === '' ? 'none' : value.split(',').join(', '));

/** The rules of a grant. */
export const RULES: readonly Rule[] = [
  {
    setting: 'linkgrant/subjects',
    flag: '--subjects',
    label: 'Subjects',
    help: 'Which sites may redeem it, separated by commas, with * and ?. Example: east,branch-*',
    describe: (value) => `Only these subjects may redeem it: ${list(value)}.`,
  },
  {
    setting: 'linkgrant/names',
    flag: '--names',
    label: 'Link names',
    help: 'Which names the links may have, separated by commas, with * and ?.',
    describe: (value) => `Only these link names are allowed: ${list(value)}.`,
  },
  {
    setting: 'linkgrant/source-cidrs',
    flag: '--source-cidrs',
    label: 'Source addresses',
    help: 'From where it may be redeemed, separated by commas. Example: 10.0.0.0/8',
    describe: (value) => `Only these addresses may redeem it: ${list(value)}.`,
  },
  {
    setting: 'linkgrant/certificate-lifetime',
    flag: '--certificate-lifetime',
    label: 'Longest certificate lifetime',
    help: 'How long a certificate is valid at most. Example: 30d',
    describe: (value) => `Certificates last at most ${value}.`,
  },
  {
    setting: 'linkgrant/key-types',
    flag: '--key-types',
    label: 'Key types',
    help:
      'Which keys sites may have: p256, p384, rsa, ed25519, separated by commas. ' +
      `The keys of linkgrant itself are ${OWN_KEY_TYPE}.`,
    describe: (value) =>
      `Only keys of these types are allowed: ${list(value)}.` +
      (value.includes(OWN_KEY_TYPE)
        ? ''
        : ` linkgrant token redeem and linkgrant join are refused: their keys are ${OWN_KEY_TYPE}.`),
  },
  {
    setting: 'linkgrant/endpoint-roles',
    flag: '--endpoint-roles',
    label: 'Endpoint roles',
    help: 'Which endpoints its links lead to: inter-router, edge, inter-network, separated by commas.',
    describe: (value) => `Its links lead only to endpoints with these roles: ${list(value)}.`,
  },
  {
    setting: 'linkgrant/not-before',
    flag: '--not-before',
    label: 'Begins',
    help: 'The earliest time of a redemption. Example: 2031-03-04T08:00:00Z',
    describe: (value) => `It can be redeemed from ${value}.`,
  },
  {
    setting: 'linkgrant/identities',
    flag: '--identities',
    label: 'Identities',
    help: 'Which identities may redeem it, as PROVIDER:SUB, separated by commas, with * and ?.',
    describe: (value) => `These identities may redeem it without a token: ${list(value)}.`,
  },
  {
    setting: 'linkgrant/identity-uses',
    flag: '--identity-uses',
    label: 'Uses of each identity',
    help: 'How often one identity may redeem it. Without this rule: once.',
    describe: (value) => `Each identity may redeem it ${value === '1' ? 'once' : `${value} times`}.`,
  },
  {
    setting: 'linkgrant/identity-required',
    flag: '--identity-required',
    label: 'Identity required',
    help: '',
    describe: (value) =>
      value === 'true'
        ? 'Its code is refused: sites join with an identity, or with a token for their key.'
        : 'Its code is accepted too.',
  },
  {
    setting: 'linkgrant/csr-required',
    flag: '--csr-required',
    label: 'Own key required',
    help: '',
    describe: (value) =>
      value === 'true'
        ? 'Sites must generate their private key themselves.'
        : 'The service may generate the private key.',
  },
];

/** The rules of a policy as sentences. */
export function policySentences(policy: Api['Policy'] = {}): string[] {
  return RULES.flatMap(({ setting, describe }) => {
    const value = policy[setting];
    return value === undefined ? [] : [describe(value)];
  });
}

/** The rules of a policy as flags of the command line. */
export function policyFlags(policy: Api['Policy'] = {}): string[] {
  return RULES.flatMap(({ setting, flag }) => {
    const value = policy[setting];
    if (value === undefined) return [];
    if (SWITCHES.includes(setting)) return value === 'true' ? [flag] : [];
    return [flag, value];
  });
}

/** The name of a rule in the forms, in quotation marks. */
export function ruleName(setting: keyof Api['Policy']): string {
  return `"${RULES.find((rule) => rule.setting === setting)?.label}"`;
}

/** A hint of the service in the words of the console: in place of the flag of a rule, such as `--subjects`, the name of the rule. */
export function hintOfConsole(hint: string): string {
  // The parts in backticks are commands.
  return hint
    .split('`')
    .map((part, index) => (index % 2 === 1 ? part : part.replace(RULE_FLAG, ruleOfFlag)))
    .join('`');
}

const RULE_FLAG = /--[a-z-]+/g;

function ruleOfFlag(flag: string): string {
  const rule = RULES.find((each) => each.flag === flag);
  return rule ? `the rule ${ruleName(rule.setting)} of the grant` : flag;
}
