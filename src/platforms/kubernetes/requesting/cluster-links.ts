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
import { readListing } from '../api/list-page.js';
import { isConditionTrue, type Stored } from '../api/resource.js';
import {
  describeResource,
  hasTlsCredentials,
  type NamespaceTarget,
  retryInNamespace,
  type SecretResource,
  secretData,
  secretText,
  withClusterErrors,
} from './namespace-target.js';
import { deleteRenewalSecrets } from './pending-renewal-secret.js';
import { stateSelector } from './state-secret.js';

type Namespace = Pick<NamespaceTarget, 'client' | 'namespace'>;

/**
 * All Links and link Secrets of a namespace, including those of other programs. Every method rejects with RedemptionError.
 */
export function clusterLinks({ client, namespace }: Namespace): LinkFiles {
  const findSecret = (name: string) => client.find<SecretResource>(SECRETS, { namespace, name });
  return {
    list: () => withClusterErrors(() => readLinkResources({ client, namespace }, ({ link }) => link)),
    findSecret: (name) =>
      withClusterErrors(async () => {
        const secret = await findSecret(name);
        return secret && { ...linkSecret(secret), place: describeResource(SECRETS, name, namespace) };
      }),
    explainMissingSecret: async (name) => `Secret "${name}" does not exist`,
    findProxy: (name) =>
      withClusterErrors(async () => {
        const secret = await findSecret(name);
        return secret && linkProxy(secret);
      }),
    ownSecrets: () =>
      withClusterErrors(() =>
        readOwnSecrets({ client, namespace }, (secret) => {
          const isProxy = secret.type === 'kubernetes.io/basic-auth';
          return isProxy || hasTlsCredentials(secret) ? { name: secret.metadata.name, isProxy } : undefined;
        }),
      ),
    update: (name, { cost, tlsCredentials }) =>
      withClusterErrors(async () => {
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
      withClusterErrors(async () => {
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

/** The results of `read` for the Links of a namespace, sorted by the names of the Links. */
export async function readLinkResources<V>(
  { client, namespace }: Namespace,
  read: (link: ClusterLink) => V,
): Promise<readonly V[]> {
  const { items } = await readListing(client, { kind: LINKS, namespace }, (resource) => {
    const { name } = resource.metadata;
    const link = storedLink(resource, describeResource(LINKS, name, namespace));
    return { name, value: read({ link, resource }) };
  });
  return items.sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ value }) => value);
}

/**
 * The results of `read`, without undefined ones, for the Secrets of a namespace with these labels: by default all that linkgrant
 * created.
 */
async function readOwnSecrets<V>(
  { client, namespace }: Namespace,
  read: (secret: Stored<SecretResource>) => V | undefined,
  labelSelector = `${MANAGED_BY}=linkgrant`,
): Promise<V[]> {
  return (await readListing(client, { kind: SECRETS, namespace, labelSelector }, read)).items;
}

/** The links of a namespace that linkgrant created and whose certificate has not expired at `now`. */
export function placedClusterLinks(target: Namespace, now: number): Promise<PlacedLink[]> {
  return withClusterErrors(async () => {
    const secrets = await readOwnSecrets(target, (secret) =>
      hasTlsCredentials(secret)
        ? { name: secret.metadata.name, notAfter: certificateEnd(secret) ?? 0 }
        : undefined,
    );
    const links = await readLinkResources(target, ({ link: { tlsCredentials, place } }) => ({
      tlsCredentials,
      place,
    }));
    return secrets.flatMap(({ name, notAfter }) => {
      const files = links.filter(({ tlsCredentials }) => tlsCredentials === name).map(({ place }) => place);
      return files.length > 0 && notAfter > now ? [{ name, files, notAfter }] : [];
    });
  });
}

/**
 * The Secrets of a namespace with the state of pending redemptions and renewals. `count` and `remove` return the number of
 * redemptions only.
 */
export function clusterLinkRecords({ client, namespace }: Namespace): LinkRecords {
  const find = ({ redemptionId, tlsCrt }: LinkRedemption) => {
    const certificate = tlsCrt && Buffer.from(tlsCrt).toString('base64');
    const read = (secret: Stored<SecretResource>) => {
      const answer = secretText(secret, 'answer.yaml') ?? '';
      const { name, uid } = secret.metadata;
      return [redemptionId, certificate].some((part) => part && answer.includes(part))
        ? { name, uid }
        : undefined;
    };
    return readOwnSecrets({ client, namespace }, read, stateSelector('pending-redemption'));
  };
  return {
    count: (redemption) => withClusterErrors(async () => (await find(redemption)).length),
    remove: (redemption) =>
      withClusterErrors(async () => {
        const { redemptionId } = redemption;
        if (redemptionId !== undefined) await deleteRenewalSecrets({ client, namespace }, redemptionId);
        const matching = await find(redemption);
        for (const { name, uid } of matching) await client.delete(SECRETS, { namespace, name }, { uid });
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
    status: nonEmptyText(status),
    message: nonEmptyText(message),
    remoteSite: nonEmptyText(remoteSiteName),
    remoteSiteId: nonEmptyText(remoteSiteId),
    conditions,
  };
}

function nonEmptyText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
