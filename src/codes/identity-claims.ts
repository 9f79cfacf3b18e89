import { decodeJwt } from 'jose/jwt/decode';

/** The claims about the time of an identity token (RFC 7519): seconds since the epoch, not verified. */
export interface TokenTimes {
  readonly exp?: unknown;
  readonly iat?: unknown;
  readonly nbf?: unknown;
}

/** The claims of an identity token for its holder; not verified. */
export interface IdentityClaims {
  readonly audiences: readonly string[];
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
  readonly times: TokenTimes;
}

// The service refuses a longer body.
const MAX_TOKEN_BYTES = 4096;

/** Reads the claims of an identity token, or returns why it is none, as the end of a sentence that contains no part of it. */
export function readIdentityClaims(text: string): IdentityClaims | string {
  if (text === '') return 'empty';
  if (Buffer.byteLength(text) > MAX_TOKEN_BYTES) return 'longer than 4 KiB, which no service accepts';
  try {
    const { aud, iss, sub, exp, iat, nbf } = decodeJwt<Readonly<Record<string, unknown>>>(text);
    return {
      audiences: [aud].flat().filter((name) => typeof name === 'string'),
      issuer: typeof iss === 'string' ? iss : undefined,
      subject: typeof sub === 'string' ? sub : undefined,
      times: { exp, iat, nbf },
    };
  } catch {
    return 'no JWT';
  }
}
