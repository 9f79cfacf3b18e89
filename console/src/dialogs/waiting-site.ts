import { type Api, omitUndefined } from '../api/client.js';
import { isInFuture, literal } from '../components/advice.js';

/** The lifetime of a grant or a token for a site that waits for it. */
export const WINDOW_FOR_SITE = '1d';

/** A site that waits for a token, and gets a grant of its own for it. */
export interface WaitingSite {
  readonly subject: string;
  /** Id of its link, which the token replaces; absent if it replaces none. */
  readonly replaces?: string | undefined;
  /** The grant with which it joined, or which refused it; absent if that was deleted. */
  readonly grant?: Api['Grant'];
  /** Rules in place of those of `grant`, which refused the site. */
  readonly rules?: Api['Policy'];
}

const MAX_NAME_LENGTH = 200;

/** A name for the new grant of a site: from its subject; empty without a site. */
export function nameForSite(site: WaitingSite | undefined): string {
  if (!site) return '';
  return site.subject
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_NAME_LENGTH)
    .replace(/^-|-$/g, '');
}

/** The rules for the new grant of a site: `rules` and the other rules of its old grant, but only for this site. */
export function policyForSite(site: WaitingSite | undefined): Api['Policy'] {
  if (!site) return {};
  const { 'linkgrant/not-before': notBefore, ...others } = { ...site.grant?.policy, ...site.rules };
  const future = isInFuture(notBefore) ? notBefore : undefined;
  const rules = { ...others, ...omitUndefined({ 'linkgrant/not-before': future }) };
  // The rule for subjects cannot contain every subject. The token is for this subject anyway.
  return literal(site.subject) === '' ? rules : { ...rules, 'linkgrant/subjects': site.subject };
}
