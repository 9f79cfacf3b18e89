import type { Link } from '../../../domain/link.js';
import { RedemptionError } from '../../../domain/redemption-error.js';
import { asMapping, type YamlMapping } from '../../../files/yaml-documents.js';
import type { LinkProxy } from '../../../redemption/ports/link-files.js';
import type { Materializer } from '../../../redemption/ports/materializer.js';
import { isExpiredSecret, placeTakenError, refuseProxyName, renewedIn } from '../../files/own-resource.js';
import { ApiError } from '../api/api-error.js';
import { LINKS, SECRETS } from '../api/kinds.js';
import type { Resource, ResourceKind } from '../api/resource.js';
import {
  describeResource,
  FIELD_MANAGER,
  type NamespaceTarget,
  retryInNamespace,
  withClusterErrors,
} from './namespace-target.js';
import { type WantedResource, wantedLink, wantedProxy } from './wanted-resources.js';

/**
 * Creates the resources of a link in a namespace by server-side apply: the Secret, then each Link, all owned by the Site.
 * Replaces a resource of another redemption only if its certificate has expired. Retains a renewed Secret and the changes that
 * a user made to a Link. The `clock` determines which certificates have expired.
 */
export function clusterMaterializer(
  target: NamespaceTarget,
  clock: () => number,
  proxy?: LinkProxy,
): Materializer {
  const { client, namespace } = target;
  const placeOf = ({ kind, resource }: WantedResource) =>
    describeResource(kind, resource.metadata.name, namespace);
  const find = (kind: ResourceKind, name: string) => client.find<Resource>(kind, { namespace, name });

  /** Applies a resource unless it is up to date. Returns the location of the applied resource, or nothing. */
  const put = (wanted: WantedResource): Promise<string[]> =>
    retryInNamespace(async () => {
      const { kind, resource } = wanted;
      const present = await find(kind, resource.metadata.name);
      if (present && wanted.isUpToDate(present)) return [];
      refuseForeign(wanted, present, namespace);
      const { resourceVersion } = present?.metadata ?? {};
      const metadata = { ...resource.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
      // If the resource is created concurrently, an apply without force is a conflict, and the operation is repeated.
      const force = present !== undefined;
      await applyDeclaredFields(resource, () =>
        client.apply(kind, { ...resource, metadata }, { fieldManager: FIELD_MANAGER, force }),
      );
      return [placeOf(wanted)];
    });

  /** Applies the resources as a dry run, to find a missing permission before the token is redeemed. */
  const dryRun = async (name: string, present: { readonly secret: boolean; readonly link: boolean }) => {
    const owner = await target.owner();
    const secret = { name, caCrt: '-', tlsCrt: '-', tlsKey: '-' };
    const link: Link = { name, endpoints: [], tlsCredentials: name };
    const context = { namespace, owner, overrides: {}, now: clock() };
    const absent = { secret: undefined, links: new Map<string, YamlMapping>() };
    for (const { kind, resource } of wantedLink(secret, [link], { ...context, present: absent })) {
      const force = kind === SECRETS ? present.secret : present.link;
      await client.apply(kind, resource, { fieldManager: FIELD_MANAGER, force, dryRun: true });
    }
    if (!proxy) return;
    refuseForeign(wantedProxy(proxy, namespace, owner), await find(SECRETS, proxy.name), namespace);
  };

  const findLinks = async (links: readonly Link[]) => {
    const present = new Map<string, YamlMapping>();
    for (const { name } of links) {
      const found = await find(LINKS, name);
      if (found) present.set(name, found);
    }
    return present;
  };

  return {
    probe: (name) =>
      withClusterErrors(async () => {
        refuseProxyName(name, proxy?.name);
        const secret = await find(SECRETS, name);
        const link = await find(LINKS, name);
        // An expired Secret may be replaced. Whether the Link belongs to it is checked when the replacement is received.
        const isReplaceable = secret !== undefined && isExpiredSecret(secret, clock());
        if (secret && !isReplaceable) throw placeTakenError(describeResource(SECRETS, name, namespace));
        if (link && !isReplaceable) throw placeTakenError(describeResource(LINKS, name, namespace));
        await dryRun(name, { secret: secret !== undefined, link: link !== undefined });
      }),

    findRenewed: (secret) =>
      withClusterErrors(async () => renewedIn(await find(SECRETS, secret.name), secret)),

    materialize: (secret, links, checkpoint, overrides = {}) =>
      withClusterErrors(async () => {
        refuseProxyName(secret.name, proxy?.name);
        const owner = await target.owner();
        const present = { secret: await find(SECRETS, secret.name), links: await findLinks(links) };
        const all = wantedLink(secret, links, { namespace, owner, present, overrides, now: clock() });
        // Every resource is checked before the first write.
        for (const wanted of all) {
          const { kind, resource } = wanted;
          const found = kind === SECRETS ? present.secret : present.links.get(resource.metadata.name);
          refuseForeign(wanted, found, namespace);
        }
        await checkpoint('before-write');
        const proxies = proxy ? [wantedProxy(proxy, namespace, owner)] : [];
        const changed: string[] = [];
        for (const wanted of [...proxies, ...all]) {
          changed.push(...(await put(wanted)));
          await checkpoint(wanted.checkpoint);
        }
        return { written: all.map(placeOf), changed };
      }),
  };
}

/**
 * Applies a resource. Throws `cluster_unavailable` for a Link with routing keys if the CRD of Links does not declare them: the
 * API server answers with HTTP 500 when an undeclared field is applied.
 */
async function applyDeclaredFields<T>(resource: Resource, apply: () => Promise<T>): Promise<T> {
  try {
    return await apply();
  } catch (error) {
    const { routingKeys } = asMapping(resource.spec);
    if (!(error instanceof ApiError && error.status === 500) || routingKeys === undefined) throw error;
    const message = `Link "${resource.metadata.name}" has spec.routingKeys, which the API server does not accept: the CRD of Links is outdated. Update Skupper's CRDs, then repeat; this spends no use.`;
    throw new RedemptionError('cluster_unavailable', message, { cause: error });
  }
}

/** Throws `place_taken` if a present resource differs from the wanted one and may not be replaced. */
function refuseForeign(wanted: WantedResource, present: YamlMapping | undefined, namespace: string): void {
  if (!present || wanted.isUpToDate(present) || wanted.mayReplace(present)) return;
  throw placeTakenError(describeResource(wanted.kind, wanted.resource.metadata.name, namespace));
}
