import { SECRET_REDEMPTION_ID } from '../domain/labels.js';
import type { Link, LinkSecret } from '../domain/link.js';
import { isResourceName } from '../domain/names.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../files/yaml-documents.js';
import { MOST_ENDPOINTS, parseLinkEndpoint } from '../redemption/link-endpoint.js';
import { type AnswerContext, OtherKey, type ReceivedLink } from '../redemption/redemption-client.js';
import { keptAnnotations } from './kept-annotations.js';
import { type ProvenCredentials, proveCredentials } from './proven-credentials.js';
import { LONGEST_ANSWER } from './redemption-client.js';

const LIMITS = { length: LONGEST_ANSWER, documents: 65 };

/** Ends the sentence "The answer cannot be used: …". */
function unfit(reason: string, cause?: unknown): RedemptionError {
  return new RedemptionError('answer_invalid', `The answer cannot be used: ${reason}.`, { cause });
}

/** See {@link AnswerReader}: the YAML stream of one `v1` Secret of type `kubernetes.io/tls`, then one Link or more. */
export function readAnswer(text: string, context: AnswerContext): ReceivedLink {
  const [secretDocument, ...linkDocuments] = documentsOf(text);
  if (!secretDocument) throw unfit('it is empty');
  const name = secretName(secretDocument);
  const credentials = credentialsOf(secretDocument, context);
  const links = linkDocuments.map((document) => parseLink(document, name));
  if (links.length === 0) throw unfit('it has no Link');
  if (new Set(links.map((link) => link.name)).size < links.length) throw unfit('two Links have one name');
  const source = credentials.tlsKey === undefined ? 'linkgrant' : 'stock';
  requireName(name, source, context);
  const { caCrt, tlsCrt, tlsKey, certificate } = credentials;
  const { tokenUrl } = context;
  const annotations = keptAnnotations(metadataOf(secretDocument).annotations, { tokenUrl, tlsCrt });
  const redemptionId = annotations[SECRET_REDEMPTION_ID];
  const secret: LinkSecret = { name, caCrt, tlsCrt, ...(tlsKey !== undefined && { tlsKey }), annotations };
  return {
    secret,
    links,
    source,
    ...(redemptionId !== undefined && { redemptionId }),
    certificate,
  };
}

function documentsOf(text: string): YamlMapping[] {
  try {
    return parseYamlMappings(text, LIMITS);
  } catch (error) {
    throw unfit(error instanceof Error ? error.message : 'it is not YAML', error);
  }
}

function secretName(document: YamlMapping): string {
  if (document.apiVersion !== 'v1' || document.kind !== 'Secret')
    throw unfit('it does not begin with a v1 Secret');
  if (document.type !== 'kubernetes.io/tls') throw unfit('its Secret is not of type kubernetes.io/tls');
  const { name } = metadataOf(document);
  if (typeof name !== 'string' || !isResourceName(name))
    throw unfit('the name of its Secret is no RFC 1123 subdomain');
  return name;
}

/** What an answer may name is bound by what was asked for, so that it cannot reach for other links' files. */
function requireName(name: string, source: ReceivedLink['source'], context: AnswerContext): void {
  if (context.name === undefined || context.name === name) return;
  // A Skupper server never answers again, so what it sends now is no earlier answer.
  if (!context.kept && source === 'stock') throw unfit('its Secret has another name than was asked for');
  throw new RedemptionError(
    'other_name',
    `This token was redeemed before under the name "${name}". Nothing is lost: redeeming it under that name again gives its link.`,
  );
}

function credentialsOf(document: YamlMapping, context: AnswerContext): ProvenCredentials {
  const data = asMapping(document.data);
  const delivered = data['tls.key'];
  const pems = {
    caCrt: decodeBase64(data['ca.crt'], 'ca.crt'),
    tlsCrt: decodeBase64(data['tls.crt'], 'tls.crt'),
    ...(delivered !== undefined && { tlsKey: decodeBase64(delivered, 'tls.key') }),
  };
  const proven = proveCredentials(pems, context);
  if (typeof proven === 'string') throw unfit(proven);
  if (proven instanceof OtherKey) throw unfit(proven.message, proven);
  return proven;
}

function parseLink(document: YamlMapping, secret: string): Link {
  if (document.apiVersion !== 'skupper.io/v2alpha1' || document.kind !== 'Link') {
    throw unfit('something other than a skupper.io/v2alpha1 Link follows its Secret');
  }
  const { name } = metadataOf(document);
  if (typeof name !== 'string' || !isResourceName(name))
    throw unfit('the name of a Link is no RFC 1123 subdomain');
  if (name !== secret && !name.startsWith(`${secret}-`))
    throw unfit("a Link is not named after the answer's Secret");
  const spec = asMapping(document.spec);
  if (spec.tlsCredentials !== secret) throw unfit('the tlsCredentials of a Link are not its Secret');
  const endpoints = Array.isArray(spec.endpoints) ? spec.endpoints : [];
  if (endpoints.length === 0 || endpoints.length > MOST_ENDPOINTS)
    throw unfit('a Link has no endpoints, or too many');
  return {
    name,
    endpoints: endpoints.map((endpoint) => {
      const parsed = parseLinkEndpoint(endpoint);
      if (typeof parsed === 'string') throw unfit(parsed);
      return parsed;
    }),
    tlsCredentials: secret,
  };
}

function metadataOf(document: YamlMapping): YamlMapping {
  return asMapping(document.metadata);
}

function decodeBase64(value: unknown, key: string): string {
  if (typeof value !== 'string' || value === '') throw unfit(`its Secret has no ${key}`);
  const text = value.replace(/[\r\n]/g, '');
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw unfit(`its ${key} is not base64`);
  return Buffer.from(text, 'base64').toString('utf8');
}
