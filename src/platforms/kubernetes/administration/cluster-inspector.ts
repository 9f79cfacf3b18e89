import { type AccessGrantState, grantState } from '../../../domain/access-grant.js';
import type { AccessToken } from '../../../domain/access-token.js';
import { asMapping } from '../../../files/yaml-documents.js';
import { EVERY_ROLE } from '../../../redemption/accepting/endpoint-roles.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import { isApiError } from '../api/api-error.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS, ACCESS_REVIEWS, ACCESS_TOKENS, REDEMPTIONS } from '../api/kinds.js';
import { readListing } from '../api/list-page.js';
import { apiVersionOf, isConditionTrue, type Resource, type Stored } from '../api/resource.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import { blockingCondition } from '../grants/conditions.js';
import { findOwnerSite } from '../requesting/site-owner.js';
import { type AccessTokenResource, finalReason, redeemedCondition } from '../tokens/access-token-resource.js';
import { findAccountLimits } from './account-policies.js';
import { acceptingEndpoints, liveSite } from './live-site.js';
import { readServiceState } from './service-lease.js';
import { findSkupperControllers } from './skupper-controllers.js';
import { withUserErrors } from './user-errors.js';

/** One RBAC right in a namespace; the group is empty for the core group. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
}

/** The findings about one AccessGrant. */
export interface InspectedGrant {
  readonly name: string;
  readonly uid: string;
  readonly state: AccessGrantState;
  /** The problems of its spec, each as a sentence. */
  readonly problems: readonly string[];
  /** True if its condition `Ready` is True; any controller may have written it. */
  readonly isReady: boolean;
  /** The message of its condition `Ready`, else of an unmet condition, else of its status; undefined if there is none. */
  readonly message: string | undefined;
  /** True if several controllers write its status. */
  readonly isContended: boolean;
  readonly url: string | undefined;
  readonly ca: string | undefined;
}

/** The findings about one AccessToken. */
export interface InspectedToken {
  readonly name: string;
  readonly isRedeemed: boolean;
  /** True if its controller does not retry. */
  readonly isFinal: boolean;
  /** The message that its controller wrote; undefined if there is none. */
  readonly message: string | undefined;
}

/** Reads a cluster for a diagnosis, with the rights of the user. Nothing is cached between calls. */
export type ClusterInspector = ReturnType<typeof clusterInspector>;

const REQUIRED_KINDS = [
  { api: ACCESS_GRANTS, kinds: ['AccessGrant', 'Link', 'RouterAccess', 'Site'] },
  { api: REDEMPTIONS, kinds: ['Redemption'] },
];

/** Creates the inspector of a namespace. */
export function clusterInspector(
  client: KubernetesClient,
  {
    namespace,
    serviceNamespace,
    clock,
  }: {
    readonly namespace: string;
    readonly serviceNamespace: string;
    readonly clock: Clock;
  },
) {
  const isAllowed = async ({ verb, group, resource }: Right): Promise<boolean> => {
    const spec = { resourceAttributes: { namespace, verb, group, resource } };
    const review = { apiVersion: apiVersionOf(ACCESS_REVIEWS), kind: ACCESS_REVIEWS.kind, spec };
    // A review is not stored, so it has no name.
    const unnamed = { ...review, metadata: {} } as unknown as Resource;
    const { status } = await client.create(ACCESS_REVIEWS, unnamed);
    return asMapping(status).allowed === true;
  };
  const readTokens = async <V>(
    read: (token: Stored<AccessTokenResource>) => V | undefined,
  ): Promise<readonly V[]> => {
    try {
      return (await readListing(client, { kind: ACCESS_TOKENS, namespace }, read)).items;
    } catch (error) {
      if (isApiError(error, 'forbidden', 'no_such_kind')) return [];
      throw error;
    }
  };
  return withUserErrors({
    /** The rights that the user lacks in the namespace. */
    async missingRights(rights: readonly Right[]): Promise<readonly Right[]> {
      const allowed = await Promise.all(rights.map(isAllowed));
      return rights.filter((_, index) => !allowed[index]);
    },
    /** The kinds that linkgrant reads or writes, by API version, and which of them the cluster does not serve. */
    kinds: () =>
      Promise.all(
        REQUIRED_KINDS.map(async ({ api, kinds }) => {
          const served = await client.kindsOf(api);
          const missing = kinds.filter((kind) => !served.includes(kind));
          return { apiVersion: apiVersionOf(api), needed: kinds, missing };
        }),
      ),
    /** Whether a service runs, by its Lease. */
    service: async () => ({
      ...(await readServiceState(client, serviceNamespace, clock())),
      namespace: serviceNamespace,
    }),
    /** The controllers of Skupper; undefined if the user may not list them. */
    skupperControllers: () => findSkupperControllers(client, namespace),
    /** Whether admission policies limit the accounts of linkgrant; undefined if that cannot be read. */
    accountLimits: () => findAccountLimits(client),
    async grants(): Promise<readonly InspectedGrant[]> {
      const read = (resource: Stored<AccessGrantResource>): InspectedGrant => {
        const { conditions = [], message, url, ca } = resource.status ?? {};
        const { grant, problems } = readAccessGrant(resource);
        const ready = conditions.find(({ type }) => type === 'Ready');
        return {
          name: resource.metadata.name,
          uid: resource.metadata.uid,
          state: grantState(grant, clock()),
          problems,
          isReady: ready?.status === 'True',
          message: ready?.message || blockingCondition(conditions)?.message || message || undefined,
          isContended: isConditionTrue(conditions, 'ForeignController'),
          url,
          ca,
        };
      };
      return (await readListing(client, { kind: ACCESS_GRANTS, namespace }, read)).items;
    },
    /** The AccessTokens; empty if the user may not list them. */
    tokens: (): Promise<readonly InspectedToken[]> =>
      readTokens((token) => ({
        name: token.metadata.name,
        isRedeemed: isRedeemed(token),
        isFinal: finalReason(token) !== undefined,
        message: redeemedCondition(token)?.message || token.status?.message || undefined,
      })),
    /**
     * Name of a redeemed AccessToken with the URL and code of `token`; undefined if there is none, or if the user may not list
     * them.
     */
    async redeemedTokenName({ url, code }: Pick<AccessToken, 'url' | 'code'>): Promise<string | undefined> {
      const [name] = await readTokens((token) =>
        isRedeemed(token) && token.spec?.url === url && token.spec.code === code
          ? token.metadata.name
          : undefined,
      );
      return name;
    },
    /** Name of a Ready Site, which shows that Skupper's controller is active; undefined if there is none. */
    async readySiteName(): Promise<string | undefined> {
      const site = await findOwnerSite(client, namespace);
      return site?.isReady ? site.name : undefined;
    },
    /** The endpoints for links to the site, or why the site accepts no links. */
    endpoints: () => acceptingEndpoints(client, { namespace, policy: EVERY_ROLE }),
    /** The access that the service would resolve: endpoints, issuer, and whether the routers trust it. Reads Secrets. */
    access: () =>
      liveSite(client, clock).resolveAccess({ namespace, name: 'doctor', issuer: null, policy: EVERY_ROLE }),
  });
}

/**
 * True if its link was created. Skupper also writes `True`, with the reason `Error`, for a link that was deleted with its
 * Site.
 */
function isRedeemed(token: AccessTokenResource): boolean {
  const { status, reason } = redeemedCondition(token) ?? {};
  return status === 'True' && reason !== 'Error';
}
