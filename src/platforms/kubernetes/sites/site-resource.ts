import { isLinkRole, type LinkEndpoint } from '../../../domain/link.js';
import { isResourceName } from '../../../domain/names.js';
import { asMapping, asMappings } from '../../../files/yaml-documents.js';
import type { ConnectedPeer } from '../../../redemption/ports/connections.js';
import { MAX_ENDPOINTS, parseLinkEndpoint } from '../../../redemption/requesting/link-endpoint.js';
import { isConditionTrue, type Resource, type Stored } from '../api/resource.js';
import { readPeers } from './site-network.js';

/** The fields of a Skupper Site on which links to it depend. */
export interface SiteFacts {
  readonly kind: 'Site';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly isReady: boolean;
  /** True for a site that links to others and accepts no link itself. */
  readonly isEdge: boolean;
  /** `defaultIssuer` in the status of the Site, else in its spec; empty if it is not a resource name. */
  readonly defaultIssuer: string | undefined;
  /** Sorted by group, within a group in the order of the resource; or why they cannot be used, as the end of a sentence. */
  readonly endpoints: readonly LinkEndpoint[] | string;
  /** The peers that are connected to it; undefined if it does not report its network. */
  readonly peers: readonly ConnectedPeer[] | undefined;
}

/** The endpoints and credentials of a Skupper RouterAccess. */
export interface RouterAccessFacts {
  readonly kind: 'RouterAccess';
  readonly namespace: string;
  readonly name: string;
  readonly endpoints: SiteFacts['endpoints'];
  /** Name of the Secret with the router's server certificate. */
  readonly tlsCredentials: string;
}

/**
 * Extracts the facts of a Site. Ignores invalid fields, because a tenant can write any value, and an index retains the facts of each
 * Site of the cluster; never throws.
 */
export function readSite(site: Stored<Resource>): SiteFacts {
  const { spec, status } = site;
  const issuer = [asMapping(status).defaultIssuer, asMapping(spec).defaultIssuer].find(
    (name): name is string => typeof name === 'string' && name !== '',
  );
  const { namespace = '', name, uid, creationTimestamp } = site.metadata;
  return {
    kind: 'Site',
    namespace,
    name,
    uid,
    createdAt: creationTimestamp,
    isReady: isConditionTrue(asMappings(asMapping(status).conditions), 'Ready'),
    isEdge: asMapping(spec).edge === true,
    defaultIssuer: issuer === undefined || isResourceName(issuer) ? issuer : '',
    endpoints: readEndpoints(status),
    peers: readPeers(site),
  };
}

/** Orders the Sites of a namespace, of which the first is used: a Ready one before others, then the oldest, then by name. */
export function compareSites(a: SiteFacts, b: SiteFacts): number {
  const ageOf = ({ createdAt, name }: SiteFacts) => `${createdAt} ${name}`;
  return Number(b.isReady) - Number(a.isReady) || (ageOf(a) < ageOf(b) ? -1 : 1);
}

/** Extracts the facts of a RouterAccess. Never throws. */
export function readRouterAccess(access: Stored<Resource>): RouterAccessFacts {
  const { spec, status } = access;
  const { namespace = '', name } = access.metadata;
  const { tlsCredentials } = asMapping(spec);
  return {
    kind: 'RouterAccess',
    namespace,
    name,
    endpoints: readEndpoints(status),
    tlsCredentials:
      typeof tlsCredentials === 'string' && isResourceName(tlsCredentials) ? tlsCredentials : name,
  };
}

function readEndpoints(status: unknown): SiteFacts['endpoints'] {
  const { endpoints = [] } = asMapping(status);
  if (!Array.isArray(endpoints)) return 'its status.endpoints is not a list';
  if (endpoints.length > MAX_ENDPOINTS) return `it has more than ${MAX_ENDPOINTS} endpoints`;
  const read: LinkEndpoint[] = [];
  for (const endpoint of endpoints) {
    // Endpoints with other names are not for links.
    if (!isLinkRole(asMapping(endpoint).name)) continue;
    const parsed = parseLinkEndpoint(endpoint);
    if (typeof parsed === 'string') return parsed;
    read.push(parsed);
  }
  return read.sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
}
