import { isOwnName } from '../domain/labels.js';
import type { Link } from '../domain/link.js';
import { isLabelName, isLabelValue, isResourceName } from '../domain/names.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { asMapping, type YamlMapping } from '../files/yaml-documents.js';
import { MAX_ENDPOINTS, parseLinkEndpoint } from '../redemption/requesting/link-endpoint.js';

type TextField = 'settings' | 'labels' | 'annotations';

/** Limits for each of settings, routingKeys, labels and annotations of a Link; `bytes` counts names and values in UTF-8. */
const LIMITS = { entries: 64, bytes: 4096 };
// The router reads a 32-bit integer.
const HIGHEST_COST = 2 ** 31 - 1;
const LONE_SURROGATE = /\p{Cs}/u;

/** Returns true if the API server accepts this name with this value. */
const IS_VALID: Readonly<Record<TextField, (name: string, value: string) => boolean>> = {
  settings: () => true,
  labels: (name, value) => isLabelName(name) && isLabelValue(value),
  annotations: (name) => isLabelName(name.toLowerCase()),
};

/**
 * Reads a Link from a received document, without the labels and annotations that linkgrant sets itself. The Link must refer to
 * the Secret called `secret`. Its name must be that of the Secret, or this name followed by `-` and a number up to `highest`.
 * Throws RedemptionError `answer_invalid`.
 */
export function readLink(document: YamlMapping, secret: string, highest: number): Link {
  if (document.apiVersion !== 'skupper.io/v2alpha1' || document.kind !== 'Link') {
    throw invalidAnswer('something other than a skupper.io/v2alpha1 Link follows its Secret');
  }
  const metadata = asMapping(document.metadata);
  const { name } = metadata;
  if (typeof name !== 'string' || !isResourceName(name))
    throw invalidAnswer('the name of a Link is not an RFC 1123 subdomain');
  if (name !== secret && !isNumbered(name, secret, highest))
    throw invalidAnswer("a Link is not named after the answer's Secret");
  const spec = asMapping(document.spec);
  if (spec.tlsCredentials !== secret) throw invalidAnswer('the tlsCredentials of a Link are not its Secret');
  const endpoints = Array.isArray(spec.endpoints) ? spec.endpoints : [];
  if (endpoints.length === 0 || endpoints.length > MAX_ENDPOINTS)
    throw invalidAnswer('a Link has no endpoints, or too many');
  return {
    name,
    endpoints: endpoints.map((endpoint) => {
      const parsed = parseLinkEndpoint(endpoint);
      if (typeof parsed === 'string') throw invalidAnswer(parsed);
      return parsed;
    }),
    tlsCredentials: secret,
    ...readCost(spec.cost),
    ...readTexts('settings', spec.settings),
    ...readRoutingKeys(spec.routingKeys),
    ...readTexts('labels', metadata.labels),
    ...readTexts('annotations', metadata.annotations),
  };
}

function isNumbered(name: string, secret: string, highest: number): boolean {
  if (!name.startsWith(`${secret}-`)) return false;
  const number = name.slice(secret.length + 1);
  return /^[1-9]\d{0,8}$/.test(number) && Number(number) <= highest;
}

/** Reads the cost of a Link. 0 counts as absent, because Go writes 0 for an unset cost. */
function readCost(value: unknown): Pick<Link, 'cost'> {
  if (value === undefined || value === null || value === 0) return {};
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= HIGHEST_COST)
    return { cost: value };
  throw invalidAnswer(`the cost of a Link is not a whole number from 1 to ${HIGHEST_COST}`);
}

function readRoutingKeys(value: unknown): Pick<Link, 'routingKeys'> {
  if (value === undefined || value === null) return {};
  const isKey = (key: unknown) => typeof key === 'string' && key !== '' && !LONE_SURROGATE.test(key);
  if (!Array.isArray(value) || !value.every(isKey))
    throw invalidAnswer('the routingKeys of a Link are not a list of texts');
  const routingKeys: readonly string[] = value;
  const bytes = Buffer.byteLength(routingKeys.join(''));
  if (routingKeys.length > LIMITS.entries || bytes > LIMITS.bytes) {
    throw invalidAnswer(
      `the routingKeys of a Link are more than ${LIMITS.entries} or longer than ${LIMITS.bytes} bytes`,
    );
  }
  return { routingKeys };
}

function readTexts(field: TextField, value: unknown): Pick<Link, TextField> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw invalidAnswer(`the ${field} of a Link are not a mapping`);
  const texts = Object.entries(value).filter(([name]) => field === 'settings' || !isOwnName(name));
  if (texts.length === 0) return {};
  let bytes = 0;
  for (const [name, text] of texts) {
    if (typeof text !== 'string' || LONE_SURROGATE.test(name + text) || !IS_VALID[field](name, text))
      throw invalidAnswer(`the ${field} of a Link have a name or a value that the API server would refuse`);
    bytes += Buffer.byteLength(name) + Buffer.byteLength(text);
  }
  if (texts.length > LIMITS.entries || bytes > LIMITS.bytes) {
    throw invalidAnswer(
      `the ${field} of a Link are more than ${LIMITS.entries} or longer than ${LIMITS.bytes} bytes`,
    );
  }
  return { [field]: Object.fromEntries(texts) };
}

/**
 * Creates a RedemptionError `answer_invalid`. `reason` ends the sentence "The answer cannot be used: …" and quotes nothing of
 * the answer.
 */
export function invalidAnswer(reason: string, cause?: unknown): RedemptionError {
  return new RedemptionError('answer_invalid', `The answer cannot be used: ${reason}.`, { cause });
}
