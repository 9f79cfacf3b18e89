import { roughDuration } from './duration.js';

/**
 * Describes requests with a wrong code at `now`: `3 requests with a wrong code, the last one 2 min ago from 192.0.2.7`. `last` is
 * an RFC 3339 time.
 */
export function wrongCodesText(
  { count, last, peer }: { readonly count: number; readonly last: string; readonly peer: string },
  now: number,
): string {
  const when = `${roughDuration(now - Date.parse(last))} ago from ${peer}`;
  return count === 1
    ? `1 request with a wrong code, ${when}`
    : `${count} requests with a wrong code, the last one ${when}`;
}
