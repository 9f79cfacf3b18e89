import type { Api } from '../api/client.js';

/** The lifetime of a grant or a token for a site that waits for it. */
export const WINDOW_FOR_SITE = '1d';

/** A site that gets a grant of its own. */
export interface JoinedSite {
  readonly subject: string;
  /** Id of its link, which the token replaces; absent if it replaces none. */
  readonly replaces?: string | undefined;
  /** The grant with which it joined, or which refused it; absent if that was deleted. */
  readonly grant?: Api['Grant'];
  /** Rules in place of those of `grant`, which refused the site. */
  readonly rules?: Api['Policy'];
}

const MAX_NAME_LENGTH = 200;
// A rule for subjects is a list of patterns, so it cannot contain every subject literally.
const HAS_NO_PATTERN = /^[^,*?]+$/;

/** A name for the new grant of a site: from its subject; empty without a site. */
export function nameForSite(site: JoinedSite | undefined): string {
  if (!site) return '';
  return site.subject
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_NAME_LENGTH)
    .replace(/^-|-$/g, '');
}

/** The rules for the new grant of a site: `rules` and the other rules of its old grant, but only for this site. */
export function policyForSite(site: JoinedSite | undefined): Api['Policy'] {
  if (!site) return {};
  const { 'linkgrant/not-before': _past, ...rules } = { ...site.grant?.policy, ...site.rules };
  return HAS_NO_PATTERN.test(site.subject) ? { ...rules, 'linkgrant/subjects': site.subject } : rules;
}
