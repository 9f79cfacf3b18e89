import type { AccessToken } from '../domain/access-token.js';
import { TOKEN_EXPIRATION_TIME, TOKEN_ISSUER_SITE, TOKEN_REDEMPTIONS_ALLOWED } from '../domain/labels.js';
import { isResourceName } from '../domain/names.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../files/yaml-documents.js';
import { splitCertificates } from '../pki/certificate-info.js';

const LIMITS = { length: 64 * 1024, documents: 1 };
// The wire takes no longer body.
const LONGEST_CODE = 4096;
const LONGEST_URL = 2048;

function unfit(reason: string): RedemptionError {
  return new RedemptionError('token_invalid', `The token file cannot be used: ${reason}.`);
}

/**
 * The AccessToken in the text of a YAML file (JSON is YAML too), at most 64 KiB. Annotations that linkgrant adds are read
 * where they make sense and ignored otherwise. Throws RedemptionError `token_invalid` with the exact reason.
 */
export function parseAccessToken(text: string): AccessToken {
  const document = documentOf(text);
  requireAccessToken(document);
  const metadata = asMapping(document.metadata);
  const { name } = metadata;
  if (typeof name !== 'string' || name === '') throw unfit('it has no metadata.name');
  if (!isResourceName(name)) throw unfit('its metadata.name is no RFC 1123 subdomain');
  const spec = asMapping(document.spec);
  const linkCost = parseLinkCost(spec.linkCost);
  return {
    name,
    url: parseUrl(spec.url),
    code: parseCode(spec.code),
    ca: parseCa(spec.ca),
    ...(linkCost !== undefined && { linkCost }),
    ...parseAnnotations(asMapping(metadata.annotations)),
  };
}

function documentOf(text: string): YamlMapping {
  let documents: YamlMapping[];
  try {
    documents = parseYamlMappings(text.replace(/^\ufeff/, ''), LIMITS);
  } catch (error) {
    throw unfit(error instanceof Error ? error.message : 'it is not YAML');
  }
  const [document] = documents;
  if (!document) throw unfit('it is empty');
  return document;
}

function requireAccessToken({ apiVersion, kind }: YamlMapping): void {
  if (kind !== 'AccessToken') {
    throw unfit(kind === undefined ? 'it has no kind' : `it is of kind ${shown(kind)}, not AccessToken`);
  }
  if (apiVersion !== 'skupper.io/v2alpha1') {
    throw unfit(
      apiVersion === undefined
        ? 'it has no apiVersion'
        : `its apiVersion is ${shown(apiVersion)}, not skupper.io/v2alpha1`,
    );
  }
}

/** A kind or version that is quoted to people; only what looks like one is. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[A-Za-z][A-Za-z0-9./-]{0,62}$/.test(value) ? value : '(not a name)';
}

function parseUrl(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw unfit('it has no spec.url');
  if (value.length > LONGEST_URL || !/^[\x21-\x7e]+$/.test(value) || !URL.canParse(value)) {
    throw unfit('its spec.url is not a URL');
  }
  const url = new URL(value);
  if (url.protocol !== 'https:') throw unfit(`its spec.url is ${url.protocol.slice(0, -1)}, not https`);
  if (url.username !== '' || url.password !== '') throw unfit('its spec.url holds a user or a password');
  if (value.includes('#')) throw unfit('its spec.url has a fragment');
  return value;
}

function parseCode(value: unknown): string {
  if (value === undefined || value === null || value === '') throw unfit('it has no spec.code');
  if (typeof value !== 'string') throw unfit('its spec.code is not text; put it in quotes');
  if (Buffer.byteLength(value) > LONGEST_CODE) throw unfit('its spec.code is longer than 4 KiB');
  return value;
}

function parseCa(value: unknown): string {
  if (value === undefined || value === null || value === '') throw unfit('it has no spec.ca');
  if (typeof value !== 'string') throw unfit('its spec.ca is not text');
  try {
    return splitCertificates(value).join('');
  } catch {
    throw unfit('its spec.ca is not PEM of certificates');
  }
}

function parseLinkCost(value: unknown): number | undefined {
  // Skupper writes 0 where nobody chose a cost.
  if (value === undefined || value === null || value === 0) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw unfit('its spec.linkCost is not a whole number of at least 1');
  }
  return value;
}

function parseAnnotations(
  annotations: YamlMapping,
): Pick<AccessToken, 'expirationTime' | 'redemptionsAllowed' | 'issuerSite'> {
  const end = annotations[TOKEN_EXPIRATION_TIME];
  const expirationTime = typeof end === 'string' ? Date.parse(end) : Number.NaN;
  const allowed = annotations[TOKEN_REDEMPTIONS_ALLOWED];
  const redemptionsAllowed =
    typeof allowed === 'string' && /^[1-9]\d{0,8}$/.test(allowed) ? Number(allowed) : undefined;
  const issuer = annotations[TOKEN_ISSUER_SITE];
  const issuerSite = typeof issuer === 'string' && /^[\x20-\x7e]{1,253}$/.test(issuer) ? issuer : undefined;
  return {
    ...(!Number.isNaN(expirationTime) && { expirationTime }),
    ...(redemptionsAllowed !== undefined && { redemptionsAllowed }),
    ...(issuerSite !== undefined && { issuerSite }),
  };
}
