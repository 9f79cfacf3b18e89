import { asMapping } from '../../files/yaml-documents.js';
import { type ResourceFile, readResources } from './resource-files.js';
import type { NamespaceDirectories } from './skupper-home.js';

/** A way into a site's router (Skupper RouterAccess), as far as links use it. */
export interface LinkAccess {
  readonly name: string;
  readonly roles: readonly { readonly name: 'inter-router' | 'edge'; readonly port: string }[];
  /** Directory name of the server certificate below `runtime/certs`. */
  readonly tlsCredentials: string;
}

/** What a namespace's runtime state says of its site. */
export interface SiteState {
  readonly name: string;
  readonly uid: string | null;
  /** True for a site that links to others and accepts no link itself. */
  readonly edge: boolean;
  /** The site's own word on who signs, from its status or its spec. */
  readonly defaultIssuer: string | undefined;
  /** Sorted by name; empty when the site accepts no links. */
  readonly accesses: readonly LinkAccess[];
}

const ROLES: readonly unknown[] = ['inter-router', 'edge'];

function readAccess({ name, resource }: ResourceFile): LinkAccess {
  const spec = asMapping(resource.spec);
  const roles = (Array.isArray(spec.roles) ? spec.roles : [])
    .map(asMapping)
    .filter((role) => ROLES.includes(role.name) && Number(role.port) >= 1 && Number(role.port) <= 65_535)
    .map((role) => ({ name: role.name as 'inter-router' | 'edge', port: String(role.port) }));
  return { name, roles, tlsCredentials: String(spec.tlsCredentials ?? name) };
}

/** The state of the site in a namespace, or, where there is none to read, whether it lacks a site or only its start. */
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
    edge: asMapping(spec).edge === true,
    defaultIssuer: typeof issuer === 'string' && issuer !== '' ? issuer : undefined,
    accesses,
  };
}
