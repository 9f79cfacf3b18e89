import { MANAGED_BY } from '../../../domain/labels.js';
import { asMapping, asMappings, type YamlMapping } from '../../../files/yaml-documents.js';
import type {
  LinkFiles,
  LinkRecords,
  LinkRedemption,
  StoredLink,
} from '../../../redemption/ports/link-files.js';
import { linkProxy, linkSecret, storedLink } from '../../files/link-resource.js';
import { certificateEnd } from '../../files/own-resource.js';
import type { PlacedLink } from '../../files/placed-links.js';
import { isApiError } from '../api/api-error.js';
import { LINKS, SECRETS } from '../api/kinds.js';
import { isConditionTrue, type Resource, type Stored } from '../api/resource.js';
import {
  describeResource,
  hasTlsCredentials,
  inCluster,
  type NamespaceTarget,
  retryInNamespace,
  type SecretResource,
  secretData,
  secretText,
} from './namespace-target.js';
import { deleteRenewalSecrets } from './pending-renewal-secret.js';
import { COMPONENT, PENDING_REDEMPTION } from './pending-secret.js';

type Namespace = Pick<NamespaceTarget, 'client' | 'namespace'>;

/**
 * All Links and link Secrets of a namespace, including those of other programs. Every method rejects with RedemptionError.
 */
export function clusterLinks({ client, namespace }: Namespace): LinkFiles {
  const findSecret = (name: string) => client.find<SecretResource>(SECRETS, { namespace, name });
  return {
    list: () => inCluster(async () => (await linksIn({ client, namespace })).map(({ link }) => link)),
    findSecret: (name) =>
      inCluster(async () => {
        const secret = await findSecret(name);
        return secret && { ...linkSecret(secret), place: describeResource(SECRETS, name, namespace) };
      }),
    explainMissingSecret: async (name) => `Secret "${name}" does not exist`,
    findProxy: (name) =>
      inCluster(async () => {
        const secret = await findSecret(name);
        return secret && linkProxy(secret);
      }),
    ownSecrets: () =>
      inCluster(async () => {
        const secrets = await ownSecretsIn({ client, namespace });
        return secrets
          .filter((secret) => hasTlsCredentials(secret) || secret.type === 'kubernetes.io/basic-auth')
          .map(({ metadata, type }) => ({
            name: metadata.name,
            isProxy: type === 'kubernetes.io/basic-auth',
          }));
      }),
    update: (name, { cost, tlsCredentials }) =>
      inCluster(async () => {
        const spec = {
          ...(cost !== undefined && { cost }),
          ...(tlsCredentials !== undefined && { tlsCredentials }),
        };
        try {
          await client.patch(LINKS, { namespace, name }, { spec });
        } catch (error) {
          if (isApiError(error, 'not_found')) return undefined;
          throw error;
        }
        return describeResource(LINKS, name, namespace);
      }),
    replaceCredentials: (name, expected, { caCrt, tlsCrt, tlsKey = '', annotations = {} }) =>
      retryInNamespace(async () => {
        const secret = await findSecret(name);
        if (!secret) return undefined;
        if (secretText(secret, 'tls.crt') === tlsCrt) return describeResource(SECRETS, name, namespace);
        if (secretText(secret, 'tls.crt') !== expected) return undefined;
        const { resourceVersion } = secret.metadata;
        const data = secretData({ 'ca.crt': caCrt, 'tls.crt': tlsCrt, 'tls.key': tlsKey });
        await client.patch(
          SECRETS,
          { namespace, name },
          { metadata: { resourceVersion, annotations }, data },
        );
        return describeResource(SECRETS, name, namespace);
      }),
    remove: (kind, name) =>
      inCluster(async () => {
        const resourceKind = kind === 'Link' ? LINKS : SECRETS;
        return (await client.delete(resourceKind, { namespace, name }))
          ? describeResource(resourceKind, name, namespace)
          : undefined;
      }),
  };
}

/** A Link with its resource, which contains the status. */
export interface ClusterLink {
  readonly link: StoredLink;
  readonly resource: YamlMapping;
}

/** The Links of a namespace, sorted by name. */
export async function linksIn({ client, namespace }: Namespace): Promise<readonly ClusterLink[]> {
  const { items } = await client.listAll<Resource>(LINKS, { namespace });
  return items
    .map((resource) => ({
      link: storedLink(resource, describeResource(LINKS, resource.metadata.name, namespace)),
      resource,
    }))
    .sort((a, b) => (a.link.name < b.link.name ? -1 : 1));
}

async function ownSecretsIn({ client, namespace }: Namespace): Promise<readonly Stored<SecretResource>[]> {
  const labelSelector = `${MANAGED_BY}=linkgrant`;
  return (await client.listAll<SecretResource>(SECRETS, { namespace, labelSelector })).items;
}

/** The links of a namespace that linkgrant created and whose certificate has not expired at `now`. */
export function placedClusterLinks(target: Namespace, now: number): Promise<PlacedLink[]> {
  return inCluster(async () => {
    const secrets = await ownSecretsIn(target);
    const links = (await linksIn(target)).map(({ link }) => link);
    return secrets.filter(hasTlsCredentials).flatMap((secret) => {
      const { name } = secret.metadata;
      const files = links.filter(({ tlsCredentials }) => tlsCredentials === name).map(({ place }) => place);
      const notAfter = certificateEnd(secret) ?? 0;
      return files.length > 0 && notAfter > now ? [{ name, files, notAfter }] : [];
    });
  });
}

/**
 * The Secrets of a namespace with the state of pending redemptions and renewals. `count` and `remove` return the number of
 * redemptions only.
 */
export function clusterLinkRecords({ client, namespace }: Namespace): LinkRecords {
  const find = async ({ redemptionId, tlsCrt }: LinkRedemption) => {
    const labelSelector = `${MANAGED_BY}=linkgrant,${COMPONENT}=${PENDING_REDEMPTION}`;
    const { items } = await client.listAll<SecretResource>(SECRETS, { namespace, labelSelector });
    const certificate = tlsCrt && Buffer.from(tlsCrt).toString('base64');
    return items.filter((secret) => {
      const answer = secretText(secret, 'answer.yaml') ?? '';
      return [redemptionId, certificate].some((part) => part && answer.includes(part));
    });
  };
  return {
    count: (redemption) => inCluster(async () => (await find(redemption)).length),
    remove: (redemption) =>
      inCluster(async () => {
        const { redemptionId } = redemption;
        if (redemptionId !== undefined) await deleteRenewalSecrets({ client, namespace }, redemptionId);
        const matching = await find(redemption);
        for (const { metadata } of matching) {
          await client.delete(SECRETS, { namespace, name: metadata.name }, { uid: metadata.uid });
        }
        return matching.length;
      }),
  };
}

/** The status of a Link, which Skupper's controller writes. */
export interface LinkStatus {
  /** The router has the configuration of the link. */
  readonly isConfigured: boolean;
  /** The router is connected over the link. */
  readonly isReady: boolean;
  /** `status.status`, the summary of the conditions, such as `Ready` or `Pending`. */
  readonly status: string | undefined;
  readonly message: string | undefined;
  readonly remoteSite: string | undefined;
  readonly remoteSiteId: string | undefined;
  /** `status.conditions`, unchanged. */
  readonly conditions: readonly YamlMapping[];
}

/** Reads the status of a Link. */
export function readLinkStatus(link: YamlMapping): LinkStatus {
  const { status, message, remoteSiteName, remoteSiteId, ...rest } = asMapping(link.status);
  const conditions = asMappings(rest.conditions);
  const isTrue = (type: string) => isConditionTrue(conditions, type);
  const isReady = isTrue('Ready') || (isTrue('Configured') && isTrue('Operational'));
  return {
    isConfigured: isReady || isTrue('Configured'),
    isReady,
    status: textOf(status),
    message: textOf(message),
    remoteSite: textOf(remoteSiteName),
    remoteSiteId: textOf(remoteSiteId),
    conditions,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
