/** One way to reach a site's router (Skupper `Link.spec.endpoints[]`); `name` is the role, `port` is text. */
export interface LinkEndpoint {
  readonly name: 'inter-router' | 'edge';
  readonly host: string;
  readonly port: string;
  readonly group: string;
}

/** A Skupper Link, the fields that this service sends and takes. */
export interface Link {
  readonly name: string;
  readonly endpoints: readonly LinkEndpoint[];
  /** Name of the Secret that holds the link's credentials. */
  readonly tlsCredentials: string;
  /** Routing cost; absent means the router's default of 1. */
  readonly cost?: number;
  /** Name of a basic-auth Secret with the HTTP proxy that the router connects through. */
  readonly proxyConfiguration?: string;
}

/** The `kubernetes.io/tls` Secret of a Link; all values are PEM text. */
export interface LinkSecret {
  readonly name: string;
  readonly caCrt: string;
  readonly tlsCrt: string;
  /** Absent when the requesting site made the key itself. */
  readonly tlsKey?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The Links that reach `endpoints`: one per endpoint group, sorted by group, named `name` when there is one group and
 * `name-1`, `name-2`, … otherwise. No endpoints give no Links.
 */
export function linksToEndpoints(name: string, endpoints: readonly LinkEndpoint[]): Link[] {
  const groups = new Map<string, LinkEndpoint[]>();
  for (const endpoint of endpoints) {
    const members = groups.get(endpoint.group);
    if (members) members.push(endpoint);
    else groups.set(endpoint.group, [endpoint]);
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.map(([, members], index) => ({
    name: sorted.length === 1 ? name : `${name}-${index + 1}`,
    endpoints: members,
    tlsCredentials: name,
  }));
}
