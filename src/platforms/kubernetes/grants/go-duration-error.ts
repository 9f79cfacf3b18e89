// The units of Go, and those that only linkgrant accepts.
const UNITS = ['ns', 'us', 'µs', 'μs', 'ms', 's', 'm', 'h', 'd', 'w'];
const NUMBER = /^(\d+(\.\d*)?|\.\d+)/;
const UNIT = /^[^.\d]+/;

/** The error message of Go's `time.ParseDuration` for an invalid duration, as in the conditions that Skupper writes. */
export function goDurationError(text: string): string {
  const invalid = `time: invalid duration ${quoted(text)}`;
  let rest = text.replace(/^[-+]/, '');
  while (rest !== '') {
    const [number] = NUMBER.exec(rest) ?? [];
    if (number === undefined) return invalid;
    rest = rest.slice(number.length);
    const [unit] = UNIT.exec(rest) ?? [];
    if (unit === undefined) return `time: missing unit in duration ${quoted(text)}`;
    if (!UNITS.includes(unit)) return `time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`;
    rest = rest.slice(unit.length);
  }
  return invalid;
}

/** Quotes a text byte by byte, as Go's package time does. */
function quoted(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (byte >= 0x80 || byte < 0x20) return `\\x${byte.toString(16).padStart(2, '0')}`;
    return character === '"' || character === '\\' ? `\\${character}` : character;
  });
  return `"${bytes.join('')}"`;
}
