/** A day in milliseconds. */
export const DAY_MS = 86_400_000;

/** Length of the longest text that is parsed as a duration: a text with very many parts takes long to parse. */
export const MAX_DURATION_LENGTH = 100;
// As in Go, the first letter of `µs` is U+00B5 (micro sign) or U+03BC (Greek mu).
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
  w: 604_800_000,
};
const GO_UNITS = ['h', 'm', 's', 'ms'];
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)/y;

/**
 * Milliseconds of a Go duration (`1h30m`, `90s`, `0`), which may also have the units `d` and `w`; undefined for any other text,
 * also for a negative duration, or one of more than 100 characters. Fractions of a millisecond are rounded.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (text.length > MAX_DURATION_LENGTH) return undefined;
  let total = 0;
  PART.lastIndex = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    const part = PART.exec(text);
    if (!part) return undefined;
    total += Number(part[1]) * (UNITS[part[2] as string] as number);
  }
  return text.length > 0 && Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined;
}

/** The duration in whole units, the largest first: `15m`, `1h30m`, `30d`. */
export function formatDuration(ms: number): string {
  return formatIn(['d', ...GO_UNITS], ms);
}

/** The duration in the syntax of Go (`15m`, `36h`, `1h30m`), without the units that only linkgrant accepts. */
export function formatGoDuration(ms: number): string {
  return formatIn(GO_UNITS, ms);
}

/** A duration in one unit, rounded down: `12 s`, `5 min`, `3 h`, `30 days`; `0 s` if it is negative. */
export function roughDuration(ms: number): string {
  const rest = Math.max(0, ms);
  if (rest < 90_000) return `${Math.floor(rest / 1_000)} s`;
  if (rest < 5_400_000) return `${Math.floor(rest / 60_000)} min`;
  if (rest < 2 * DAY_MS) return `${Math.floor(rest / 3_600_000)} h`;
  return `${Math.floor(rest / DAY_MS).toLocaleString('en')} days`;
}

function formatIn(units: readonly string[], ms: number): string {
  let rest = ms;
  let text = '';
  for (const unit of units) {
    const size = UNITS[unit] as number;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text || '0s';
}
