import { globMatchesIgnoringCase } from '../../accepting/glob.js';
import type { IssuedLink } from '../../ports/link-store.js';

// A shorter text occurs at the beginning of the SHA-256 of many certificates.
const MIN_DIGITS = 8;

/** The fields of a link that a search compares. */
type Searchable = Pick<
  IssuedLink,
  'id' | 'subject' | 'name' | 'grantName' | 'peer' | 'labels' | 'note' | 'certificateSha256'
>;

/**
 * True if a link contains a text, ignoring case: in its subject, name, grant, labels, note or address, or, if the text has at least
 * 8 characters, at the beginning of its id or of the SHA-256 of its certificate. A text with `*` or `?` must match the whole subject.
 */
export function matchesSearch(search: string, link: Searchable): boolean {
  const { id, subject, name, grantName, peer, note, certificateSha256 } = link;
  if (/[*?]/.test(search)) return globMatchesIgnoringCase(search, subject);
  const text = search.toLowerCase();
  const labels = Object.entries(link.labels).map(([key, value]) => `${key}=${value}`);
  return (
    [subject, name, grantName, peer, note, ...labels].some((value) => value?.toLowerCase().includes(text)) ||
    (text.length >= MIN_DIGITS &&
      (id.startsWith(text) || certificateSha256.startsWith(text.replaceAll(':', ''))))
  );
}
