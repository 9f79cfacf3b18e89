// The form of a code of ours: 24 letters and digits. That all of its letters are of one case happens once in 10⁵.
const CODE = /(?<![A-Za-z0-9])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{24}(?![A-Za-z0-9])/;
// A signed code, as far as its first two parts.
const SIGNED = /eyJ[\w-]{20,}\.[\w-]{20,}/;
const KEY = /PRIVATE KEY/;

/**
 * Throws when a log, an error or metrics hold what looks like a code or a private key. Every text that a test hears from
 * the program on standard error, and every log of a service in a test, comes by here.
 */
export function refuseSecrets(text: string): string {
  const found = KEY.test(text)
    ? 'a private key'
    : CODE.test(text) || SIGNED.test(text)
      ? 'a code'
      : undefined;
  if (found === undefined) return text;
  const line =
    text
      .split('\n')
      .find((candidate) => KEY.test(candidate) || CODE.test(candidate) || SIGNED.test(candidate)) ?? '';
  throw new Error(
    `${found} was told: ${line.replace(CODE, '<code>').replace(SIGNED, '<code>').slice(0, 200)}`,
  );
}
