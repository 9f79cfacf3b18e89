/**
 * The roles of a router's endpoints (Skupper `RouterAccess.spec.roles[].name`): `inter-router` and `edge` for the routers of
 * the site's own network, `inter-network` for a router of another network.
 */
export const LINK_ROLES = ['inter-router', 'edge', 'inter-network'] as const;

/** One of {@link LINK_ROLES}. */
export type LinkRole = (typeof LINK_ROLES)[number];

/** True for one of {@link LINK_ROLES}. */
export function isLinkRole(name: unknown): name is LinkRole {
  return LINK_ROLES.some((role) => role === name);
}

/** One way to reach a site's router (Skupper `Link.spec.endpoints[]`); `name` is the role, `port` is text. */
export interface LinkEndpoint {
  readonly name: LinkRole;
  readonly host: string;
  readonly port: string;
  readonly group: string;
}

/** A Skupper Link: its name, its spec, and its labels and annotations. */
export interface Link {
  readonly name: string;
  readonly endpoints: readonly LinkEndpoint[];
  /** Name of the Secret that holds the link's credentials. */
  readonly tlsCredentials: string;
  /** Routing cost; absent means the router's default of 1. */
  readonly cost?: number;
  readonly settings?: Readonly<Record<string, string>>;
  /** Addresses of this network that the other network may send to, for an `inter-network` endpoint. */
  readonly routingKeys?: readonly string[];
  /** Labels and annotations that the accepting side or the user set; without those that linkgrant sets. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Fields of a Link that a request sets; they override those of the existing Link. */
export interface LinkOverrides {
  readonly cost?: number | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Fields of an existing Link, without its name and endpoints. */
export type ExistingLink = Partial<Omit<Link, 'name' | 'endpoints'>>;

/**
 * Merges a received Link, the existing Link, which a user may have changed, and the overrides; later ones take precedence.
 */
export function mergeLink(received: Link, existing: ExistingLink, overrides: LinkOverrides): Link {
  const cost = overrides.cost ?? existing.cost ?? received.cost;
  const settings = { ...received.settings, ...existing.settings, ...overrides.settings };
  const routingKeys = existing.routingKeys ?? received.routingKeys;
  return {
    name: received.name,
    endpoints: received.endpoints,
    tlsCredentials: existing.tlsCredentials ?? received.tlsCredentials,
    ...(cost !== undefined && { cost }),
    ...memberUnlessEmpty('settings', settings),
    ...(routingKeys && { routingKeys }),
    ...memberUnlessEmpty('labels', { ...received.labels, ...existing.labels }),
    ...memberUnlessEmpty('annotations', { ...received.annotations, ...existing.annotations }),
  };
}

function memberUnlessEmpty(
  key: 'settings' | 'labels' | 'annotations',
  texts: Readonly<Record<string, string>>,
) {
  return Object.keys(texts).length === 0 ? {} : { [key]: texts };
}

/** Setting of a Link: name of a basic-auth Secret with the HTTP proxy that the router connects through. */
export const PROXY_CONFIGURATION = 'proxy-configuration';

/**
 * True for the type of a Secret that can hold TLS credentials. Skupper also accepts `Opaque`, the default type, with the same
 * keys.
 */
export function isTlsSecretType(type: unknown): boolean {
  return type === 'kubernetes.io/tls' || type === 'Opaque' || type === undefined || type === '';
}

/** The Secret of a Link; its credentials are PEM text. */
export interface LinkSecret {
  readonly name: string;
  readonly caCrt: string;
  readonly tlsCrt: string;
  /** Absent if the requesting site generated the key. */
  readonly tlsKey?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The role of the endpoint that a router connects to: `inter-network` if the Link has such an endpoint, also on an edge site. */
export function usedRole({ endpoints }: Pick<Link, 'endpoints'>, isEdgeSite: boolean): LinkRole {
  if (endpoints.some(({ name }) => name === 'inter-network')) return 'inter-network';
  return isEdgeSite ? 'edge' : 'inter-router';
}

/**
 * Returns the Links to `endpoints`: one for each endpoint group, sorted by group. The `inter-network` endpoints of a group get
 * a separate Link, because a router uses no other endpoint of a Link that has them. A single Link has the name `name`, several
 * `name-1`, `name-2`, …. Without endpoints there are no Links.
 */
export function linksToEndpoints(name: string, endpoints: readonly LinkEndpoint[]): Link[] {
  const groups = new Map<string, LinkEndpoint[]>();
  for (const endpoint of endpoints) {
    const key = `${endpoint.group} ${endpoint.name === 'inter-network' ? 2 : 1}`;
    const members = groups.get(key);
    if (members) members.push(endpoint);
    else groups.set(key, [endpoint]);
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.map(([, members], index) => ({
    name: sorted.length === 1 ? name : `${name}-${index + 1}`,
    endpoints: members,
    tlsCredentials: name,
  }));
}
