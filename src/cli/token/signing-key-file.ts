import { z } from 'zod';
import { parseJsonText } from '../../domain/json-text.js';
import { isNamespace, isResourceName, isUuid } from '../../domain/names.js';
import { splitCertificates } from '../../pki/certificate-info.js';
import type { MintingKey } from '../../redemption/accepting/mint-token.js';
import { CommandError } from '../terminal/command-error.js';
import { readExternalText } from '../terminal/external-text.js';

/** The `kind` of a file with the signing key of a grant. */
export const SIGNING_KEY_KIND = 'linkgrant-signing-key';
const KEY_BYTES = 32;

/** Formats the signing key of a grant as a JSON document, which is a secret; see docs/reference/tokens.md. */
export function encodeSigningKey(mintingKey: MintingKey): string {
  const { url, ca, redemptionsAllowed, issuerSite, signingKey } = mintingKey;
  const { uid, namespace, name } = mintingKey.grant;
  const k = Buffer.from(signingKey.key).toString('base64url');
  const document = {
    kind: SIGNING_KEY_KIND,
    grant: { uid, namespace, name },
    url,
    ca,
    expirationTime: new Date(mintingKey.expirationTime).toISOString(),
    redemptionsAllowed,
    issuerSite,
    jwk: { kty: 'oct', alg: 'HS256', kid: signingKey.kid, k },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Reads a signing key from a file, or from standard input for `-`. Rejects with a CommandError that does not quote the file. */
export async function readSigningKey(file: string): Promise<MintingKey> {
  try {
    return parse(await readExternalText(file));
  } catch (error) {
    throw new CommandError(`the signing key cannot be used: ${(error as Error).message}`, {
      exitCode: 2,
      hint: 'name the file that `linkgrant grant show NAME --signing-key FILE` wrote, or - for standard input',
      cause: error,
    });
  }
}

const SIGNING_KEY_FILE = z
  .object({
    kind: z.literal(SIGNING_KEY_KIND),
    grant: z.object({
      uid: z.string().refine(isUuid),
      namespace: z.string().refine(isNamespace),
      name: z.string().refine(isResourceName),
    }),
    url: z.string().refine((url) => url.startsWith('https:') && URL.canParse(url)),
    ca: z.string().refine(hasCertificates),
    expirationTime: z.string().transform(Date.parse).pipe(z.int()),
    redemptionsAllowed: z.int().positive(),
    issuerSite: z.string().optional().catch(undefined),
    jwk: z.object({
      kty: z.literal('oct'),
      alg: z.literal('HS256'),
      kid: z.string().min(1),
      k: z
        .string()
        .transform((k) => Buffer.from(k, 'base64url'))
        .refine((key) => key.length === KEY_BYTES),
    }),
  })
  .refine(({ url, grant }) => url.endsWith(`/${grant.uid}`), { path: ['url'] });

// The reason for a field that is not valid, as the end of "the signing key cannot be used: …". None quotes the file.
const PROBLEMS: Readonly<Record<string, string>> = {
  grant: 'its grant has no valid uid, namespace and name',
  url: 'its url is not that of its grant',
  ca: 'its ca is not PEM of certificates',
  expirationTime: 'it has no valid expirationTime',
  redemptionsAllowed: 'it has no valid redemptionsAllowed',
  jwk: 'it has no HS256 key',
};

function parse(text: string): MintingKey {
  const { data, error } = SIGNING_KEY_FILE.safeParse(parseJsonText(text));
  if (!data) throw new Error(PROBLEMS[String(error.issues[0]?.path[0])] ?? 'it is not a signing key file');
  const { kind: _kind, issuerSite, jwk, ...fields } = data;
  return { ...fields, signingKey: { kid: jwk.kid, key: jwk.k }, ...(issuerSite && { issuerSite }) };
}

function hasCertificates(pem: string): boolean {
  try {
    return splitCertificates(pem).length > 0;
  } catch {
    return false;
  }
}
