import { isOwnName, MANAGED_BY, SECRET_REDEMPTION_ID } from '../../domain/labels.js';
import { isLinkRole, type Link, type LinkEndpoint, type LinkSecret } from '../../domain/link.js';
import { asMapping, type YamlMapping } from '../../files/yaml-documents.js';
import type { LinkProxy, StoredLink } from '../../redemption/ports/link-files.js';

/** The Link in a resource that was not validated; unreadable fields are left out. `place` names its location for messages. */
export function storedLink(resource: YamlMapping, place: string): StoredLink {
  const spec = asMapping(resource.spec);
  const metadata = asMapping(resource.metadata);
  const id = asMapping(metadata.annotations)[SECRET_REDEMPTION_ID];
  const endpoints = Array.isArray(spec.endpoints) ? spec.endpoints : [];
  return {
    name: nameOf(resource),
    place,
    endpoints: endpoints.flatMap(readEndpoint),
    tlsCredentials: String(spec.tlsCredentials ?? ''),
    ...(typeof spec.cost === 'number' && { cost: spec.cost }),
    ...textsField('settings', spec.settings),
    ...(Array.isArray(spec.routingKeys) && { routingKeys: spec.routingKeys.filter(isText) }),
    ...textsField('labels', metadata.labels),
    ...textsField('annotations', metadata.annotations),
    ...(typeof id === 'string' && { redemptionId: id }),
  };
}

/**
 * The string entries of a mapping as the field `key`; for labels and annotations, without those that only linkgrant sets. An
 * empty object if there are none.
 */
function textsField(key: 'settings' | 'labels' | 'annotations', value: unknown): Pick<Link, typeof key> {
  const texts = textEntries(value).filter(([name]) => key === 'settings' || !isOwnName(name));
  return texts.length === 0 ? {} : { [key]: Object.fromEntries(texts) };
}

function textEntries(value: unknown): [string, string][] {
  return Object.entries(asMapping(value)).filter((entry): entry is [string, string] => isText(entry[1]));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function readEndpoint(value: unknown): LinkEndpoint[] {
  const { name, host, port, group } = asMapping(value);
  const number = Number(port);
  if (!isLinkRole(name) || typeof host !== 'string' || host === '') return [];
  if (!Number.isInteger(number) || number < 1 || number > 65_535) return [];
  return [{ name, host, port: String(number), group: typeof group === 'string' ? group : '' }];
}

/** The credentials in a Secret resource. An absent value becomes empty; characters that are not base64 are ignored. */
export function linkSecret(resource: YamlMapping): LinkSecret & { readonly tlsKey: string } {
  const data = asMapping(resource.data);
  return {
    name: nameOf(resource),
    caCrt: decode(data['ca.crt']),
    tlsCrt: decode(data['tls.crt']),
    tlsKey: decode(data['tls.key']),
    annotations: Object.fromEntries(textEntries(asMapping(resource.metadata).annotations)),
  };
}

/** The proxy that a Secret resource describes; undefined without a host and a port. */
export function linkProxy(resource: YamlMapping): LinkProxy | undefined {
  const { data, stringData } = resource;
  // A program that encodes `data` often adds a line end.
  const value = (key: string) => String(asMapping(stringData)[key] ?? decode(asMapping(data)[key]).trim());
  const [host, port, username, password] = ['host', 'port', 'username', 'password'].map(value);
  if (!host || !port) return undefined;
  return { name: nameOf(resource), host, port, ...(username && { username }), ...(password && { password }) };
}

/** The basic-auth Secret that describes a proxy, as {@link linkProxy} reads it. */
export function proxyResource(
  { name, host, password, port, username }: LinkProxy,
  namespace: string | undefined,
) {
  const data = Object.entries({ host, password, port, username }).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, Buffer.from(value).toString('base64')]],
  );
  return {
    apiVersion: 'v1',
    data: Object.fromEntries(data) as Readonly<Record<string, string>>,
    kind: 'Secret',
    metadata: { labels: { [MANAGED_BY]: 'linkgrant' }, name, namespace },
    type: 'kubernetes.io/basic-auth',
  };
}

function decode(value: unknown): string {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : '';
}

function nameOf({ metadata }: YamlMapping): string {
  return String(asMapping(metadata).name ?? '');
}
