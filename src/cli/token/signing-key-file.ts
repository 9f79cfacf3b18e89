import { isNamespace, isResourceName, isUuid } from '../../domain/names.js';
import { readExternalText } from '../../files/external-text.js';
import { splitCertificates } from '../../pki/certificate-info.js';
import type { MintingKey } from '../../redemption/accepting/mint-token.js';
import { CommandError } from '../terminal/command-error.js';

/** The `kind` of a file that holds a grant's signing key. */
export const SIGNING_KEY_KIND = 'linkgrant-signing-key';
const KEY_BYTES = 32;

type Mapping = Readonly<Record<string, unknown>>;

/** A grant's signing key as a JSON document; see docs/tokens.md. A secret. */
export function encodeSigningKey({ grant, signingKey, expirationTime, ...rest }: MintingKey): string {
  const { uid, namespace, name } = grant;
  const { url, ca, redemptionsAllowed, issuerSite } = rest;
  const k = Buffer.from(signingKey.key).toString('base64url');
  const document = {
    kind: SIGNING_KEY_KIND,
    grant: { uid, namespace, name },
    url,
    ca,
    expirationTime: new Date(expirationTime).toISOString(),
    redemptionsAllowed,
    issuerSite,
    jwk: { kty: 'oct', alg: 'HS256', kid: signingKey.kid, k },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The signing key in a file, or on standard input for `-`. Rejects with a CommandError, which quotes nothing of the text. */
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

function parse(text: string): MintingKey {
  const document = mapping(json(text));
  if (document.kind !== SIGNING_KEY_KIND) throw new Error('it is no such file');
  const { uid, namespace, name } = mapping(document.grant);
  const { kty, alg, kid, k } = mapping(document.jwk);
  const { url, ca, expirationTime, redemptionsAllowed, issuerSite } = document;
  const key = typeof k === 'string' ? Buffer.from(k, 'base64url') : Buffer.alloc(0);
  const end = typeof expirationTime === 'string' ? Date.parse(expirationTime) : Number.NaN;
  if (!isText(uid) || !isUuid(uid)) throw new Error('its grant has no uid');
  if (!isText(name) || !isResourceName(name)) throw new Error('its grant has no name');
  if (!isText(namespace) || !isNamespace(namespace)) throw new Error('its grant has no namespace');
  if (kty !== 'oct' || alg !== 'HS256' || !isText(kid) || key.length !== KEY_BYTES) {
    throw new Error('it has no HS256 key');
  }
  if (!isText(url) || !url.startsWith('https:') || !url.endsWith(`/${uid}`) || !URL.canParse(url)) {
    throw new Error('its url is none of a grant');
  }
  if (!isText(ca) || !hasCertificates(ca)) throw new Error('its ca is not PEM of certificates');
  if (Number.isNaN(end)) throw new Error('it does not say when the grant ends');
  if (
    typeof redemptionsAllowed !== 'number' ||
    !(Number.isInteger(redemptionsAllowed) && redemptionsAllowed > 0)
  ) {
    throw new Error('it does not say how often the grant can be redeemed');
  }
  return {
    grant: { uid, namespace, name },
    expirationTime: end,
    redemptionsAllowed,
    url,
    ca,
    ...(isText(issuerSite) && { issuerSite }),
    signingKey: { kid, key },
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new Error('it is not JSON');
  }
}

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null ? (value as Mapping) : {};
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function hasCertificates(pem: string): boolean {
  try {
    return splitCertificates(pem).length > 0;
  } catch {
    return false;
  }
}
