import { containsJoinLine } from '../../codes/join-line.js';
import { mayContainAccessToken, needsIdentity, type RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { readBoundedText } from '../../files/bounded-text.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';
import { containsCertificateRequest } from '../../redemption/administration/token-request.js';
import {
  readAccessToken,
  readJoinLine,
  readServiceToken,
} from '../../redemption/requesting/read-access-token.js';
import { parseSha256, readToken } from '../flags/flag-values.js';
import { usageError } from '../terminal/command-error.js';

const LIMITS = { length: 64 * 1024, documents: 1 };

function invalidFile(reason: string): RedemptionError {
  return new RedemptionError('token_invalid', `The token file cannot be used: ${reason}.`);
}

/** The flags for the URL of a grant in place of a token. */
export interface GrantUrlFlags {
  /** Name of the link. */
  readonly name?: string | undefined;
  /** File with the CA of the service, in PEM. */
  readonly ca?: string;
  /** Fingerprint of the CA of the service. */
  readonly caSha256?: string;
}

/**
 * Returns the token that an argument names: a file, `-` for standard input, a join line, or the URL of a grant, which is a token without
 * a code. A token without a code gets the name of the flags. Rejects with a CommandError or RedemptionError `token_invalid`.
 */
export async function loadToken(where: string, flags: GrantUrlFlags): Promise<RedeemableToken> {
  if (isGrantUrl(where)) return tokenOfUrl(where, flags);
  return withName(parseToken(await readToken(where)), flags);
}

/** True for the URL of a grant. */
export function isGrantUrl(text: string): boolean {
  return /^https:\/\//i.test(text);
}

/** Returns the token without a code for the URL of a grant. Throws as {@link loadToken} does. */
export function tokenOfUrl(url: string, { name, ca: file, caSha256 }: GrantUrlFlags): RedeemableToken {
  if (name === undefined)
    throw usageError('the link has no name', 'choose one with --name: a URL has none, as a join line has');
  if (file !== undefined && caSha256 !== undefined)
    throw usageError('two CAs are given', 'use --ca or --ca-sha256');
  const pin = caSha256 === undefined ? undefined : { pin: parseSha256('--ca-sha256', caSha256) };
  return serviceToken({ name, url, ca: file === undefined ? pin : readBoundedText(file) });
}

/** Returns the token, under the name of the flags if it has no code. Throws a CommandError for flags that only a URL has. */
export function withName(
  token: RedeemableToken,
  { name = token.name, ca, caSha256 }: GrantUrlFlags,
): RedeemableToken {
  if ((ca ?? caSha256) !== undefined)
    throw usageError('--ca and --ca-sha256 are for a URL', 'omit them: a token names the CA of its service');
  return needsIdentity(token) ? { ...token, name } : token;
}

/** Returns the token without a code that has these fields. Throws RedemptionError `token_invalid`. */
export function serviceToken(fields: Omit<RedeemableToken, 'code'>): RedeemableToken {
  const tokenOrReason = readServiceToken(fields);
  if (typeof tokenOrReason !== 'string') return tokenOrReason;
  throw new RedemptionError('token_invalid', `The service cannot be used: ${tokenOrReason}.`);
}

/**
 * Returns the token in a text: a join line, or an AccessToken of at most 64 KiB in YAML, which includes JSON. Ignores invalid
 * values of linkgrant's own annotations. Throws RedemptionError `token_invalid` with the exact reason.
 */
export function parseToken(text: string): RedeemableToken {
  if (!mayContainAccessToken(text)) refuseRequest(text);
  return containsJoinLine(text) && !mayContainAccessToken(text)
    ? parseJoinLine(text)
    : parseAccessToken(text);
}

/** Throws a CommandError if a text is a certificate request, in PEM or as a request line, in place of a token. */
export function refuseRequest(text: string): void {
  if (!containsCertificateRequest(text)) return;
  throw usageError(
    'that is a request for a link, not a token',
    'send it to the other side, which issues a token for it: `linkgrant token issue --request FILE` (or its line)',
  );
}

function parseJoinLine(text: string): RedeemableToken {
  const tokenOrReason = readJoinLine(text);
  if (typeof tokenOrReason === 'string') {
    throw new RedemptionError('token_invalid', `The join line cannot be used: ${tokenOrReason}.`);
  }
  return tokenOrReason;
}

function parseAccessToken(text: string): RedeemableToken {
  const document = documentOf(text);
  requireAccessToken(document);
  const { metadata, spec } = document;
  const tokenOrReason = readAccessToken({ metadata: asMapping(metadata), spec: asMapping(spec) });
  if (typeof tokenOrReason === 'string') throw invalidFile(tokenOrReason);
  return tokenOrReason;
}

function documentOf(text: string): YamlMapping {
  let documents: YamlMapping[];
  try {
    documents = parseYamlMappings(text.replace(/^\ufeff/, ''), LIMITS);
  } catch (error) {
    throw invalidFile((error as Error).message);
  }
  const [document] = documents;
  if (!document) throw invalidFile('it is empty');
  return document;
}

function requireAccessToken({ apiVersion, kind }: YamlMapping): void {
  if (kind !== 'AccessToken') {
    throw invalidFile(
      kind === undefined ? 'it has no kind' : `its kind is ${formatKind(kind)}, not AccessToken`,
    );
  }
  if (apiVersion !== 'skupper.io/v2alpha1') {
    throw invalidFile(
      apiVersion === undefined
        ? 'it has no apiVersion'
        : `its apiVersion is ${formatKind(apiVersion)}, not skupper.io/v2alpha1`,
    );
  }
}

/** Returns a well-formed kind or version for a message, else a placeholder. */
function formatKind(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9./-]{0,62}$/.test(value) ? value : '(not a name)';
}
