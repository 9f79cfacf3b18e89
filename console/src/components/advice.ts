import { hasGrantEnded, stateWords } from '../../../src/domain/access-grant.js';
import { OWN_KEY_TYPE } from '../../../src/domain/policy.js';
import { globMatches } from '../../../src/redemption/accepting/glob.js';
import type { Api } from '../api/client.js';
import { ruleName } from './policy.js';
import { refusalOf } from './refusals.js';
import { visible } from './text.js';

/** A refused request. Its texts are empty in a total of many sites. */
export interface RefusedRequest extends Pick<Api['Attempt'], 'name' | 'subject' | 'peer'> {
  readonly code: string;
  /** The token that the site tried, if it is known. */
  readonly token?: Pick<Api['Token'], 'subject' | 'state'> | undefined;
}

type GrantRules = Pick<Api['GrantChange'], 'redemptionsAllowed' | 'policy'>;

/** What lets a refused site join. */
export interface Advice {
  /** Says what excludes the site, a rule or the subject of its token, and names the file that declares the grant; absent if none applies. */
  readonly why?: string;
  /** Contains no text from outside: the parts in backticks are code. */
  readonly text: string;
  /** The change of the grant that allows the request; `label` names it on a button, and `allows` says what else it allows. */
  readonly change?: { readonly label: string; readonly body: GrantRules; readonly allows?: string };
  /** A grant for this site alone. It allows less than `change`; absent if such a grant does not let the site join. */
  readonly ownGrant?: OwnGrant;
  /** True if a new token lets the site join. */
  readonly needsToken?: boolean;
}

/** The rule of a grant for one site alone, and the text where both this grant and a change are offered. */
interface OwnGrant {
  readonly rules: Api['Policy'];
  readonly text: string;
}

type Setting = keyof Api['Policy'];

/** A rule that lists what it allows. */
interface ListRule {
  readonly setting: Setting;
  /** What the rule is about, such as `subject`. */
  readonly what: string;
  /** What to add to the list, so that it allows the request; empty if that is not known. */
  readonly missing: (request: RefusedRequest) => string;
  readonly isAllowed: (entries: readonly string[], request: RefusedRequest) => boolean;
  /** Which sites the rule allows after the addition of `missing`; absent if a grant for the site alone is no alternative. */
  readonly allows?: (missing: string) => string;
  /** What the site can do in place of a change of the rule, as a sentence. */
  readonly alternative?: string;
}

/**
 * Returns the entry of a list that allows only `text`; empty if there is none. The entries are patterns, commas separate them, and the
 * service removes white space around them.
 */
export const literal = (text: string) => (/^[^,*?]+$/.test(text) && text === text.trim() ? text : '');
const matches = (globs: readonly string[], text: string) => globs.some((glob) => globMatches(glob, text));

const LIST_RULES: Readonly<Record<string, ListRule>> = {
  policy_subject: {
    setting: 'linkgrant/subjects',
    what: 'subject',
    missing: ({ subject }) => literal(subject),
    isAllowed: (globs, { subject }) => matches(globs, subject),
    allows: (subject) => `Allows any site that calls itself ${visible(subject)}.`,
    alternative: 'Or let the site redeem with --subject and a subject that the rule allows.',
  },
  policy_name: {
    setting: 'linkgrant/names',
    what: 'link name',
    missing: ({ name }) => literal(name),
    isAllowed: (globs, { name }) => matches(globs, name),
    alternative: 'Or let the site redeem with --name and a name that the rule allows.',
  },
  policy_source: {
    setting: 'linkgrant/source-cidrs',
    what: 'source address',
    missing: ({ peer }) => peer,
    isAllowed: (networks, { peer }) => networks.includes(peer),
    allows: () => 'Allows any site at this address.',
  },
  policy_key: {
    setting: 'linkgrant/key-types',
    what: 'key type',
    missing: () => OWN_KEY_TYPE,
    isAllowed: (types) => types.includes(OWN_KEY_TYPE),
    allows: () => 'Allows any site with such a key.',
    alternative: `The keys of linkgrant are ${OWN_KEY_TYPE}; for another client, allow the type of its key.`,
  },
};

const SWITCH_RULES: Readonly<Record<string, Setting>> = {
  policy_csr_required: 'linkgrant/csr-required',
  policy_identity_required: 'linkgrant/identity-required',
};

const NEEDS_TOKEN: ReadonlySet<string> = new Set([
  ...['code_expired', 'code_revoked', 'code_exhausted', 'policy_identity_required'],
  ...['renewal_expired', 'site_replaced'],
]);
const IS_ALLOWED_NOW = 'The grant allows it now. Let the site repeat its command with the same token.';

/** True if the rules of a grant allow a subject. */
export function allowsSubject({ policy }: Api['Grant'], subject: string): boolean {
  const subjects = policy?.['linkgrant/subjects'];
  return subjects === undefined || matches(subjects.split(','), subject);
}

/** What lets a site join that this grant has refused. */
export function adviceOn(request: RefusedRequest, grant: Api['Grant']): Advice {
  const { change, ...advice } = adviceOnCode(request, grant);
  if (!change) return advice;
  if (!grant.declaredBy) return { ...advice, change };
  const where = `The file ${visible(grant.declaredBy)} declares the grant, so change it there.`;
  return { ...advice, why: [...(advice.why ? [advice.why] : []), where].join(' ') };
}

function adviceOnCode(request: RefusedRequest, grant: Api['Grant']): Advice {
  const { code } = request;
  if (code === 'redemption_revoked') return { text: refusalOf(code)?.remedy ?? '' };
  if (hasGrantEnded(grant.state)) return adviceOnEnded(request, grant);
  if (code.startsWith('grant_')) return { text: IS_ALLOWED_NOW };
  const rule = LIST_RULES[code];
  if (rule) return adviceOnList(rule, request, grant);
  const setting = SWITCH_RULES[code];
  if (setting && grant.policy?.[setting] !== 'true') return { text: IS_ALLOWED_NOW };
  const remedy = refusalOf(code)?.remedy ?? '';
  const needsToken = NEEDS_TOKEN.has(code);
  if (!setting) return { text: remedy, needsToken };
  return {
    text: `${remedy} Or remove the rule ${ruleName(setting)} of the grant.`,
    change: { label: 'Remove the rule', body: { policy: { [setting]: null } } },
    needsToken,
  };
}

function adviceOnEnded(request: RefusedRequest, grant: Api['Grant']): Advice {
  const { code } = request;
  const { state, redemptionsAllowed } = grant;
  if (code === 'grant_exhausted' && state === 'exhausted')
    return {
      text: 'If the token of the site has a use left, add 1 site, and let the site try again. Else issue a token for it: this creates a grant for the site.',
      change: { label: 'Add 1 site', body: { redemptionsAllowed: redemptionsAllowed + 1 } },
      needsToken: true,
    };
  const ended = `${code === 'code_revoked' ? 'The token was revoked, and the' : 'The'} grant is ${stateWords(state)}.`;
  const toJoin = 'issue a token for it: this creates a grant for the site.';
  const rule = LIST_RULES[code];
  const { why, change } = rule ? adviceOnList(rule, request, grant) : {};
  // A link of the grant can still be renewed.
  if (rule && why && change)
    return {
      why,
      text: `${ended} If the site has a link and renews it, allow its ${rule.what} too. If it is to join, ${toJoin}`,
      change,
      needsToken: true,
    };
  const renews = rule && !why ? ' If the site has a link, it can renew it now.' : '';
  return { text: `${ended}${renews} If the site is to join, ${toJoin}`, needsToken: true };
}

function adviceOnList(rule: ListRule, request: RefusedRequest, grant: Api['Grant']): Advice {
  const { setting, what, alternative } = rule;
  const value = grant.policy?.[setting];
  const entries = value?.split(',').filter((entry) => entry !== '') ?? [];
  if (value === undefined || rule.isAllowed(entries, request)) return adviceIfAllowed(request, grant);
  const missing = rule.missing(request);
  const withAlternative = (text: string) => (alternative ? `${text} ${alternative}` : text);
  const excluded = `The rule ${ruleName(setting)} of the grant allows only: ${visible(entries.join(', ')) || 'none'}.`;
  const otherSubject = subjectOfToken(request);
  const why = otherSubject ? `${excluded} ${onlyFor(otherSubject)}` : excluded;
  const hasOwnGrant = rule.allows && canHaveOwnGrant(request, grant);
  const ownGrant = (text: string) => hasOwnGrant && { ownGrant: { rules: { [setting]: missing }, text } };
  if (otherSubject && hasOwnGrant) {
    const text = `If the site is to join, create a grant for it.${orUse(otherSubject, request, grant)}`;
    return { why, text, ...ownGrant(text) };
  }
  return {
    why,
    text: otherSubject
      ? `If the site is to join, allow its ${what} too, then issue a token for it.${orUse(otherSubject, request, grant)}`
      : withAlternative(`If the site is to join, allow its ${what} too, and let the site try again.`),
    ...(missing !== '' && {
      change: {
        label: `Allow ${visible(missing)}`,
        body: { policy: { [setting]: [...entries, missing].join(',') } },
        ...(rule.allows && { allows: rule.allows(missing) }),
      },
      ...ownGrant(withAlternative('If the site is to join, choose what to allow.')),
    }),
    needsToken: otherSubject !== undefined,
  };
}

/** True if a grant with the other rules of `grant`, for the subject of the request alone, lets the site join. */
function canHaveOwnGrant({ subject }: RefusedRequest, { policy }: Api['Grant']): boolean {
  // By default a link has the name of its grant, which a rule for names can exclude. A site with an identity redeems no token, and a
  // grant that is only for identities refuses a token that is bound to no key.
  const hasOtherRule =
    policy?.['linkgrant/names'] !== undefined ||
    policy?.['linkgrant/identities'] !== undefined ||
    policy?.['linkgrant/identity-required'] === 'true' ||
    isInFuture(policy?.['linkgrant/not-before']);
  return literal(subject) !== '' && !hasOtherRule;
}

/** True if a grant with this rule `linkgrant/not-before` cannot be redeemed yet. */
export function isInFuture(notBefore: string | undefined): boolean {
  return notBefore !== undefined && Date.parse(notBefore) > Date.now();
}

/** The subject that the token of a refused site is for, if that refused the site: a change of the rule does not let it join. */
function subjectOfToken({ code, subject, token }: RefusedRequest): string | undefined {
  return code === 'policy_subject' && token?.subject !== subject ? token?.subject : undefined;
}

const onlyFor = (subject: string) => `The token is only for the subject ${visible(subject)}.`;

/** What the site can do with a token that is for `other`, as a sentence after a space; empty if the grant no longer accepts it. */
function orUse(other: string, { token }: RefusedRequest, grant: Api['Grant']): string {
  const isAccepted = token?.state === 'ready' && allowsSubject(grant, other);
  return isAccepted ? ' Or let the site redeem with --subject and this other subject.' : '';
}

/** The advice if the rule that refused a request allows it: the rule was changed, or something else refused the request. */
function adviceIfAllowed(request: RefusedRequest, grant: Api['Grant']): Advice {
  const { code } = request;
  const otherSubject = subjectOfToken(request);
  if (otherSubject)
    return {
      why: onlyFor(otherSubject),
      text: `If the site is to join, issue a token for it.${orUse(otherSubject, request, grant)}`,
      needsToken: true,
    };
  if (code === 'policy_subject')
    return {
      text: 'The grant allows this subject. Let the site repeat its command with the same token. If that is refused again, the token is for another subject: issue a token for this subject.',
      needsToken: true,
    };
  if (code === 'policy_key')
    return {
      text: `The grant allows the keys of linkgrant, which are ${OWN_KEY_TYPE}. Let the site redeem with linkgrant, or add the type of its key to the rule ${ruleName('linkgrant/key-types')} of the grant.`,
    };
  return { text: IS_ALLOWED_NOW };
}
