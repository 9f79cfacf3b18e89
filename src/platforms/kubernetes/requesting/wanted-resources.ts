import { isDeepStrictEqual } from 'node:util';
import { MANAGED_BY, SECRET_REDEMPTION_ID } from '../../../domain/labels.js';
import { type Link, type LinkOverrides, type LinkSecret, mergeLink } from '../../../domain/link.js';
import { linkResource, linkSecretResource } from '../../../domain/link-resources.js';
import { asMapping, type YamlMapping } from '../../../files/yaml-documents.js';
import { isOurs, linkInPlace, renewedIn } from '../../files/own-resource.js';
import { LINKS, SECRETS } from '../api/kinds.js';
import type { OwnerReference, Resource, ResourceKind } from '../api/resource.js';
import { ownedResource } from './namespace-target.js';

/** One resource that is to be in place. */
export interface WantedResource {
  readonly kind: ResourceKind;
  readonly resource: Resource;
  /** Whether what is there says it already. */
  readonly isThere: (there: YamlMapping) => boolean;
  /** Whether what is there may give way. */
  readonly mayReplace: (there: YamlMapping) => boolean;
  /** The checkpoint after it. */
  readonly written: string;
}

/** The basic-auth Secret of the proxy that Links name, with its values in base64. */
export interface ProxyPlacing {
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

/** What is in place now, under the names of a link's resources. */
export interface LinkThere {
  readonly secret: YamlMapping | undefined;
  readonly links: ReadonlyMap<string, YamlMapping>;
}

/** The Secret of a link and its Links, as they are to be in `namespace` beside what is there; `now` tells what has ended. */
export function wantedLink(
  secret: LinkSecret,
  links: readonly Link[],
  context: {
    readonly namespace: string;
    readonly owner: OwnerReference;
    readonly there: LinkThere;
    readonly overrides: LinkOverrides;
    readonly now: number;
  },
): readonly WantedResource[] {
  const { namespace, owner, there, overrides, now } = context;
  const options = { managed: true, namespace };
  const redemption = {
    id: secret.annotations?.[SECRET_REDEMPTION_ID],
    secret,
    secretThere: there.secret,
    now,
  };
  const mayReplace = (found: YamlMapping) => isOurs(found, redemption);
  const wantedSecret = ownedResource(linkSecretResource(secret, options), owner);
  return [
    {
      kind: SECRETS,
      resource: wantedSecret,
      isThere: (found) => renewedIn(found, secret) !== undefined || saysTheSame(found, wantedSecret, 'data'),
      mayReplace,
      written: 'secret-written',
    },
    ...links.map((link): WantedResource => {
      // Server-side apply removes fields that a later apply omits, so the fields in place are applied again.
      const wanted = mergeLink(link, linkInPlace(there.links.get(link.name), redemption), overrides);
      const resource = ownedResource(linkResource(wanted, secret, options), owner);
      return {
        kind: LINKS,
        resource,
        isThere: (found) => mayReplace(found) && saysTheSame(found, resource, 'spec'),
        mayReplace,
        written: 'link-written',
      };
    }),
  ];
}

/** The proxy's Secret as it is to be; one of that name that says something else is somebody's. */
export function wantedProxy(
  { name, data }: ProxyPlacing,
  namespace: string,
  owner: OwnerReference,
): WantedResource {
  const fields = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { [MANAGED_BY]: 'linkgrant' } },
    type: 'kubernetes.io/basic-auth',
    // The API server takes none without a name or a password.
    data: { username: '', ...data },
  };
  const resource = ownedResource(fields, owner);
  return {
    kind: SECRETS,
    resource,
    isThere: (found) => saysTheSame(found, resource, 'data'),
    mayReplace: () => false,
    written: 'proxy-secret-written',
  };
}

function saysTheSame(there: YamlMapping, wanted: Resource, field: 'data' | 'spec'): boolean {
  return isDeepStrictEqual(asMapping(there[field]), asMapping((wanted as unknown as YamlMapping)[field]));
}
