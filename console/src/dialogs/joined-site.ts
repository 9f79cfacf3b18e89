import type { Api } from '../api/client.js';

/** A site that has joined before and gets another token. */
export interface JoinedSite {
  readonly subject: string;
  /** Id of its link, which the token replaces; absent if it replaces none. */
  readonly replaces?: string | undefined;
  /** The grant with which it joined, which has ended; absent if it was deleted. */
  readonly grant?: Api['GrantDetail'];
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

/** The rules for the new grant of a site: those of its old grant, but only for this site. */
export function policyForSite(site: JoinedSite | undefined): Api['Policy'] {
  if (!site) return {};
  const { 'linkgrant/not-before': _past, ...rules } = site.grant?.policy ?? {};
  return HAS_NO_PATTERN.test(site.subject) ? { ...rules, 'linkgrant/subjects': site.subject } : rules;
}
