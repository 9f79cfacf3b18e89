import { isLinkRole, type LinkRole } from '../../domain/link.js';
import { isResourceName } from '../../domain/names.js';
import { asMapping, asMappings } from '../../files/yaml-documents.js';
import { type ResourceFile, readResources } from '../files/resource-files.js';
import type { NamespaceDirectories } from './skupper-home.js';

/** A Skupper RouterAccess that accepts links. */
export interface SystemRouterAccess {
  readonly name: string;
  readonly roles: readonly { readonly name: LinkRole; readonly port: string }[];
  /** Directory name of the server certificate below `runtime/certs`. */
  readonly tlsCredentials: string;
}

/** The site of a namespace, read from its runtime state. */
export interface SiteState {
  readonly name: string;
  readonly uid: string | null;
  /** True for a site that links to others and accepts no link itself. */
  readonly isEdge: boolean;
  /** `defaultIssuer` in the status of the Site, else in its spec. */
  readonly defaultIssuer: string | undefined;
  /** Sorted by name; empty if the site accepts no links. */
  readonly accesses: readonly SystemRouterAccess[];
}

function readAccess({ name, resource }: ResourceFile): SystemRouterAccess {
  const spec = asMapping(resource.spec);
  const roles = asMappings(spec.roles).flatMap(({ name: role, port }) =>
    isLinkRole(role) ? [{ name: role, port: String(port) }] : [],
  );
  return { name, roles, tlsCredentials: String(spec.tlsCredentials ?? name) };
}

/** Why links cannot use an access, as the end of a sentence; undefined if they can. */
export function accessProblem({ name, roles, tlsCredentials }: SystemRouterAccess): string | undefined {
  // Names become parts of paths, and of the resources that the requesting site writes.
  if (!isResourceName(name)) return 'has an invalid name';
  if (!isResourceName(tlsCredentials))
    return `names "${tlsCredentials}" as its credentials, which is not a valid name`;
  const wrong = roles.find(({ port }) => !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535);
  return wrong && `has "${wrong.port}" as the port of ${wrong.name}, which is not a valid port`;
}

/**
 * The state of the site in a namespace; `no-site` if the namespace has none, `not-started` if it was never started. Throws
 * UnreadableFileError.
 */
export function readSiteState(directories: NamespaceDirectories): SiteState | 'no-site' | 'not-started' {
  const [site] = readResources(directories.runtimeResources, ['Site']);
  if (!site)
    return readResources(directories.inputResources, ['Site']).length > 0 ? 'not-started' : 'no-site';
  const { metadata, spec, status } = site.resource;
  const uid = asMapping(metadata).uid;
  const issuer = asMapping(status).defaultIssuer ?? asMapping(spec).defaultIssuer;
  const accesses = readResources(directories.runtimeResources, ['RouterAccess'])
    .map(readAccess)
    .filter(({ roles }) => roles.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    name: site.name,
    uid: typeof uid === 'string' && uid !== '' ? uid : null,
    isEdge: asMapping(spec).edge === true,
    defaultIssuer: typeof issuer === 'string' && issuer !== '' ? issuer : undefined,
    accesses,
  };
}
