import { containsJoinLine } from '../../codes/join-line.js';
import { mayContainAccessToken, type RedeemableToken } from '../../domain/access-token.js';
import { RedemptionError } from '../../domain/redemption-error.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../../files/yaml-documents.js';
import { readAccessToken, readJoinLine } from '../../redemption/requesting/read-access-token.js';

const LIMITS = { length: 64 * 1024, documents: 1 };

function invalidFile(reason: string): RedemptionError {
  return new RedemptionError('token_invalid', `The token file cannot be used: ${reason}.`);
}

/**
 * Returns the token in a text: a join line, or an AccessToken of at most 64 KiB in YAML, which includes JSON. Ignores invalid
 * values of linkgrant's own annotations. Throws RedemptionError `token_invalid` with the exact reason.
 */
export function parseToken(text: string): RedeemableToken {
  return containsJoinLine(text) && !mayContainAccessToken(text)
    ? parseJoinLine(text)
    : parseAccessToken(text);
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
