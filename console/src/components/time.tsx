import { useEffect, useState } from 'preact/hooks';
import { roughDuration } from '../../../src/domain/duration.js';
import { type Preferences, usePreferences } from '../state/preferences.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function format(at: number, zone: Preferences['clock']): string {
  // Swedish times have the form 2031-03-04 08:00:00.
  return zone === 'utc'
    ? `${new Date(at).toLocaleString('sv-SE', { timeZone: 'UTC' })} UTC`
    : new Date(at).toLocaleString('sv-SE');
}

function inBothClocks(ms: number, clock: Preferences['clock']): string {
  const [local, utc] = [format(ms, 'local'), format(ms, 'utc')];
  return utc === `${local} UTC` ? format(ms, clock) : `${local} (${utc})`;
}

/** A time in the clock that the user chose; with `bothClocks` in local time and in UTC. */
export function Time({ at, bothClocks }: { readonly at: string | number; readonly bothClocks?: boolean }) {
  const { clock } = usePreferences();
  const ms = new Date(at).getTime();
  return (
    <time dateTime={new Date(ms).toISOString()} title={format(ms, clock === 'utc' ? 'local' : 'utc')}>
      {bothClocks ? inBothClocks(ms, clock) : format(ms, clock)}
    </time>
  );
}

/**
 * The start of a day such as `2031-03-04` in a clock, or of the day `daysLater`, as an RFC 3339 time. Returns a text that is not a
 * day unchanged.
 */
export function startOfDay(day: string, clock: Preferences['clock'], daysLater = 0): string {
  const at = new Date(`${day}T00:00:00${clock === 'utc' ? 'Z' : ''}`);
  if (Number.isNaN(at.getTime())) return day;
  if (clock === 'utc') at.setUTCDate(at.getUTCDate() + daysLater);
  else at.setDate(at.getDate() + daysLater);
  return at.toISOString().replace('.000Z', 'Z');
}

/** The day of a time in a clock, such as `2031-03-04`. */
export function dayOf(at: number, clock: Preferences['clock']): string {
  return format(at, clock).slice(0, 10);
}

/** The start of the month after `now` in a clock, as an RFC 3339 time. */
export function startOfNextMonth(now: number, clock: Preferences['clock']): string {
  const next = new Date(`${dayOf(now, clock).slice(0, 8)}01T00:00:00Z`);
  next.setUTCMonth(next.getUTCMonth() + 1);
  return startOfDay(next.toISOString().slice(0, 10), clock);
}

/** Returns a function that rewrites the RFC 3339 times in a text of the service to the clock that the user chose. */
export function useTimesInText(): (text: string) => string {
  const { clock } = usePreferences();
  return (text) =>
    text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, (time) => format(Date.parse(time), clock));
}

/** The current time; renders again every `everyMs`. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** `in 3 h`, `5 min ago`. */
function relative(at: string | number, now: number): string {
  const distance = new Date(at).getTime() - now;
  return distance >= 0 ? `in ${roughDuration(distance)}` : `${roughDuration(-distance)} ago`;
}

/** A time with its distance from now. */
export function TimeAndDistance({ at }: { readonly at: string }) {
  const now = useNow(10 * SECOND);
  return (
    <span>
      <Time at={at} /> <span class="subtle">({relative(at, now)})</span>
    </span>
  );
}

/** The time until `at`: minutes and seconds, a rounded duration above 90 minutes, or `ended`. */
export function TimeLeft({ at }: { readonly at: string }) {
  const left = new Date(at).getTime() - useNow(SECOND);
  if (left <= 0) return <strong>ended</strong>;
  if (left > 90 * MINUTE) return <strong>{roughDuration(left)}</strong>;
  const seconds = Math.floor(left / SECOND);
  return (
    <strong class="digits">{`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`}</strong>
  );
}
