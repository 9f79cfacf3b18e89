// A code of linkgrant: 24 letters and digits. Four codes in a million have letters of one case only, and do not match.
const CODE = /(?<![A-Za-z0-9])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{24}(?![A-Za-z0-9])/;
// The function of a line in a stack trace, whose name may have 24 letters.
const FRAME = /\bat (async )?[\w.#<>]+ \(/g;
// The first two parts of a signed code (JWS).
const SIGNED = /eyJ[\w-]{20,}\.[\w-]{20,}/;
const KEY = /PRIVATE KEY/;

/**
 * Throws if the text contains what looks like a code or a private key; else returns the text. The helpers of the tests call it
 * for the standard error of every command, and for the log of every service.
 */
export function refuseSecrets(text: string): string {
  const line = text
    .replace(FRAME, 'at (')
    .split('\n')
    .find((candidate) => KEY.test(candidate) || CODE.test(candidate) || SIGNED.test(candidate));
  if (line === undefined) return text;
  const secret = KEY.test(line) ? 'a private key' : 'a code';
  throw new Error(
    `${secret} was written: ${line.replace(CODE, '<code>').replace(SIGNED, '<code>').slice(0, 200)}`,
  );
}
