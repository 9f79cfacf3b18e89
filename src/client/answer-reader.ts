import { SECRET_REDEMPTION_ID, SECRET_RENEWAL_URL, SECRET_SERVER_CA } from '../domain/labels.js';
import { isTlsSecretType, type LinkSecret } from '../domain/link.js';
import { isResourceName, isUuid } from '../domain/names.js';
import { RedemptionError } from '../domain/redemption-error.js';
import { asMapping, parseYamlMappings, type YamlMapping } from '../files/yaml-documents.js';
import { certificateInfo, redemptionIdIn } from '../pki/certificate-info.js';
import {
  type AnswerCertificate,
  type AnswerContext,
  OtherKey,
  type ReceivedLink,
} from '../redemption/ports/redemption-client.js';
import { MAX_LINKS } from '../redemption/requesting/link-endpoint.js';
import { MAX_LINK_RESPONSE_BYTES } from './https-redemption-client.js';
import { invalidAnswer, readLink } from './link-reader.js';
import { type ProvenCredentials, proveCredentials, reencodeCertificates } from './proven-credentials.js';

const MAX_URL_LENGTH = 2048;
const MAX_CA_LENGTH = 64 * 1024;
const LIMITS = { length: MAX_LINK_RESPONSE_BYTES, documents: 1 + MAX_LINKS };

/** An AnswerReader for a YAML stream of one `v1` Secret with TLS credentials, then one Link or more. */
export function readAnswer(text: string, context: AnswerContext): ReceivedLink {
  const [secretDocument, ...linkDocuments] = documentsOf(text);
  if (!secretDocument) throw invalidAnswer('it is empty');
  const name = secretName(secretDocument);
  const credentials = credentialsOf(secretDocument, context);
  // In a cluster, a stored response is rebuilt from the Links of the namespace. A user may have deleted some of them, so the number
  // at the end of a name can exceed the count of the Links.
  const highest = context.isStored ? MAX_LINKS : linkDocuments.length;
  const links = linkDocuments.map((document) => readLink(document, name, highest));
  if (links.length === 0) throw invalidAnswer('it has no Link');
  if (new Set(links.map((link) => link.name)).size < links.length)
    throw invalidAnswer('two Links have one name');
  const source = credentials.tlsKey === undefined ? 'linkgrant' : 'stock';
  requireName(name, source, context);
  const { caCrt, tlsCrt, tlsKey, certificate } = credentials;
  const { tokenUrl } = context;
  const annotations = acceptedAnnotations(metadataOf(secretDocument).annotations, { tokenUrl, tlsCrt });
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

/** An AnswerCertificateReader for the stream that {@link readAnswer} reads. */
export function readAnswerCertificate(text: string): AnswerCertificate {
  const [secret] = documentsOf(text);
  const tlsCrt = decodeBase64(asMapping(secret?.data)['tls.crt'], 'tls.crt');
  const info = certificateInfo(tlsCrt);
  if (!info) throw invalidAnswer('its tls.crt is not PEM of certificates');
  return { keySha256: info.keySha256, redemptionId: redemptionIdIn(tlsCrt) };
}

function documentsOf(text: string): YamlMapping[] {
  try {
    return parseYamlMappings(text, LIMITS);
  } catch (error) {
    throw invalidAnswer(error instanceof Error ? error.message : 'it is not YAML', error);
  }
}

function secretName(document: YamlMapping): string {
  if (document.apiVersion !== 'v1' || document.kind !== 'Secret')
    throw invalidAnswer('it does not begin with a v1 Secret');
  if (!isTlsSecretType(document.type))
    throw invalidAnswer('its Secret is neither of type kubernetes.io/tls nor of type Opaque');
  const { name } = metadataOf(document);
  if (typeof name !== 'string' || !isResourceName(name))
    throw invalidAnswer('the name of its Secret is not an RFC 1123 subdomain');
  return name;
}

/** Requires the requested name, so that a response cannot replace the files of other links. */
function requireName(name: string, source: ReceivedLink['source'], context: AnswerContext): void {
  if (context.name === undefined || context.name === name) return;
  // A Skupper server never repeats a response, so this one cannot be an earlier one.
  if (!context.isStored && source === 'stock')
    throw invalidAnswer('its Secret has another name than requested');
  // Do not quote what a server has just sent: it could make a user run a command of its choice.
  const earlier = context.isStored ? `the name "${name}"` : 'another name';
  throw new RedemptionError(
    'other_name',
    `This token was redeemed before under ${earlier}. Redeem it under that name again to get its link.`,
  );
}

function credentialsOf(document: YamlMapping, context: AnswerContext): ProvenCredentials {
  const data = asMapping(document.data);
  const deliveredKey = data['tls.key'];
  const pems = {
    caCrt: decodeBase64(data['ca.crt'], 'ca.crt'),
    tlsCrt: decodeBase64(data['tls.crt'], 'tls.crt'),
    ...(deliveredKey !== undefined && { tlsKey: decodeBase64(deliveredKey, 'tls.key') }),
  };
  if (context.requiresOwnKey && deliveredKey !== undefined)
    throw invalidAnswer('it contains a private key, although linkgrant signs the key of the request');
  const proven = proveCredentials(pems, context);
  if (typeof proven === 'string') throw invalidAnswer(proven);
  if (proven instanceof OtherKey) throw invalidAnswer(proven.message, proven);
  return proven;
}

/**
 * Returns those annotations of a received Secret that linkgrant uses and that are valid. The redemption id must be that of the
 * certificate. The renewal URL must be `https` without a user name, and have the origin of `tokenUrl` if that is present. The service's
 * CA must be PEM of at most 64 KiB, and is re-encoded.
 */
function acceptedAnnotations(
  annotations: unknown,
  { tokenUrl, tlsCrt }: { readonly tokenUrl?: string | undefined; readonly tlsCrt: string },
): Readonly<Record<string, string>> {
  if (typeof annotations !== 'object' || annotations === null) return {};
  const received = annotations as Readonly<Record<string, unknown>>;
  const accepted: Record<string, string> = {};
  const id = received[SECRET_REDEMPTION_ID];
  if (typeof id === 'string' && isUuid(id) && redemptionIdIn(tlsCrt) === id)
    accepted[SECRET_REDEMPTION_ID] = id;
  const url = received[SECRET_RENEWAL_URL];
  if (typeof url === 'string' && isRenewalUrl(url, tokenUrl)) accepted[SECRET_RENEWAL_URL] = url;
  const ca = received[SECRET_SERVER_CA];
  const certificates =
    typeof ca === 'string' && ca.length <= MAX_CA_LENGTH ? reencodeCertificates(ca) : undefined;
  if (certificates !== undefined) accepted[SECRET_SERVER_CA] = certificates;
  return accepted;
}

function isRenewalUrl(url: string, tokenUrl: string | undefined): boolean {
  return (
    url.length <= MAX_URL_LENGTH &&
    /^https:\/\/[\x21-\x7e]+$/.test(url) &&
    URL.canParse(url) &&
    (tokenUrl === undefined || new URL(url).origin === new URL(tokenUrl).origin) &&
    new URL(url).username === ''
  );
}

function metadataOf(document: YamlMapping): YamlMapping {
  return asMapping(document.metadata);
}

function decodeBase64(value: unknown, key: string): string {
  if (typeof value !== 'string' || value === '') throw invalidAnswer(`its Secret has no ${key}`);
  const text = value.replace(/[\r\n]/g, '');
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text))
    throw invalidAnswer(`its ${key} is not base64`);
  return Buffer.from(text, 'base64').toString('utf8');
}
