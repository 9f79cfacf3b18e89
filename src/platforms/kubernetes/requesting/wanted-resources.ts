import { isDeepStrictEqual } from 'node:util';
import { SECRET_REDEMPTION_ID } from '../../../domain/labels.js';
import { type Link, type LinkOverrides, type LinkSecret, mergeLink } from '../../../domain/link.js';
import { linkResource, linkSecretResource } from '../../../domain/link-resources.js';
import { asMapping, type YamlMapping } from '../../../files/yaml-documents.js';
import type { LinkProxy } from '../../../redemption/ports/link-files.js';
import { proxyResource } from '../../files/link-resource.js';
import { linkInPlace, mayReplace, renewedIn } from '../../files/own-resource.js';
import { LINKS, SECRETS } from '../api/kinds.js';
import type { OwnerReference, Resource, ResourceKind } from '../api/resource.js';
import { ownedResource } from './namespace-target.js';

/** A resource to create or update. */
export interface WantedResource {
  readonly kind: ResourceKind;
  readonly resource: Resource;
  /** Whether the present resource has the wanted content already. */
  readonly isUpToDate: (present: YamlMapping) => boolean;
  /** Whether the present resource may be replaced. */
  readonly mayReplace: (present: YamlMapping) => boolean;
  /** Name of the checkpoint after the write. */
  readonly checkpoint: string;
}

/** The present resources with the names of a link's resources. */
interface PresentLink {
  readonly secret: YamlMapping | undefined;
  readonly links: ReadonlyMap<string, YamlMapping>;
}

/**
 * The wanted Secret and Links of a link in `namespace`, merged with the present ones. `now` determines which certificates have
 * expired.
 */
export function wantedLink(
  secret: LinkSecret,
  links: readonly Link[],
  context: {
    readonly namespace: string;
    readonly owner: OwnerReference;
    readonly present: PresentLink;
    readonly overrides: LinkOverrides;
    readonly now: number;
  },
): readonly WantedResource[] {
  const { namespace, owner, present, overrides, now } = context;
  const options = { managed: true, namespace };
  const redemption = {
    id: secret.annotations?.[SECRET_REDEMPTION_ID],
    secret,
    presentSecret: present.secret,
    now,
  };
  const isReplaceable = (found: YamlMapping) => mayReplace(found, redemption);
  // The type of a Secret cannot be changed.
  const type = present.secret?.type === 'Opaque' ? 'Opaque' : 'kubernetes.io/tls';
  const wantedSecret = ownedResource({ ...linkSecretResource(secret, options), type }, owner);
  return [
    {
      kind: SECRETS,
      resource: wantedSecret,
      isUpToDate: (found) =>
        renewedIn(found, secret) !== undefined || isEqualField(found, wantedSecret, 'data'),
      mayReplace: isReplaceable,
      checkpoint: 'secret-written',
    },
    ...links.map((link): WantedResource => {
      // Server-side apply removes fields that a later apply omits, so the existing fields are applied again.
      const wanted = mergeLink(link, linkInPlace(present.links.get(link.name), redemption), overrides);
      const resource = ownedResource(linkResource(wanted, secret, options), owner);
      return {
        kind: LINKS,
        resource,
        isUpToDate: (found) => isReplaceable(found) && isEqualField(found, resource, 'spec'),
        mayReplace: isReplaceable,
        checkpoint: 'link-written',
      };
    }),
  ];
}

/** The wanted Secret of the proxy. A Secret of that name with other content is never replaced. */
export function wantedProxy(proxy: LinkProxy, namespace: string, owner: OwnerReference): WantedResource {
  const fields = proxyResource(proxy, namespace);
  // The API server rejects a basic-auth Secret that has neither a user name nor a password.
  const resource = ownedResource({ ...fields, data: { username: '', ...fields.data } }, owner);
  return {
    kind: SECRETS,
    resource,
    isUpToDate: (found) => isEqualField(found, resource, 'data'),
    mayReplace: () => false,
    checkpoint: 'proxy-secret-written',
  };
}

function isEqualField(present: YamlMapping, wanted: Resource, field: 'data' | 'spec'): boolean {
  return isDeepStrictEqual(asMapping(present[field]), asMapping(wanted[field]));
}
