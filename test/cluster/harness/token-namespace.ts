import { type AccessToken, accessTokenResource } from '../../../src/domain/access-token.js';
import { ACCESS_TOKENS, LINKS, SECRETS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource, Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import type { SecretResource } from '../../../src/platforms/kubernetes/requesting/namespace-target.js';
import type { AccessTokenResource } from '../../../src/platforms/kubernetes/tokens/access-token-resource.js';
import { retryUntil } from '../../support/retry-until.js';
import { ROLE_BINDINGS } from './kinds.js';
import { REDEEMER } from './redeemer.js';
import { type LinkResource, putRequestingSite } from './requesting-namespace.js';
import { type TestCluster, untilAllowed } from './test-cluster.js';

/** The namespace of a requesting site: the AccessTokens in it are redeemed. */
export interface TokenNamespace {
  readonly namespace: string;
  readonly siteUid: string;
  /** Creates an AccessToken. */
  put(token: AccessToken): Promise<Stored<AccessTokenResource>>;
  token(name?: string): Promise<Stored<AccessTokenResource>>;
  /** Waits until an AccessToken has this status, and returns it. */
  waitForStatus(status: string, name?: string): Promise<Stored<AccessTokenResource>>;
  links(): Promise<readonly Stored<LinkResource>[]>;
  secrets(): Promise<readonly Stored<SecretResource>[]>;
}

/** Creates the RoleBinding of the shipped redeemer in a namespace, as the owner of the namespace does. */
export async function bindRedeemer({ admin }: TestCluster, namespace: string): Promise<void> {
  await admin.create(ROLE_BINDINGS, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: ROLE_BINDINGS.kind,
    metadata: { name: REDEEMER, namespace },
    roleRef: { apiGroup: ROLE_BINDINGS.group, kind: 'ClusterRole', name: REDEEMER },
    subjects: [{ kind: 'ServiceAccount', name: REDEEMER, namespace: REDEEMER }],
  } as Resource);
  const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }];
  await untilAllowed(admin, { namespace: REDEEMER, name: REDEEMER }, rules, namespace);
}

/** Deletes the RoleBinding of the shipped redeemer in a namespace. */
export async function unbindRedeemer({ admin }: TestCluster, namespace: string): Promise<void> {
  await admin.delete(ROLE_BINDINGS, { namespace, name: REDEEMER });
}

/** Creates a TokenNamespace, by default with a Ready Site and the RoleBinding of the redeemer. */
export async function tokenNamespace(
  cluster: TestCluster,
  options: { readonly named?: string; readonly withoutSite?: boolean; readonly closed?: boolean } = {},
): Promise<TokenNamespace> {
  const { admin } = cluster;
  const namespace = await cluster.namespace(options.named);
  // A named namespace has the roles of the overlay `redeemer-namespace`.
  if (!options.closed && options.named === undefined) await bindRedeemer(cluster, namespace);
  const siteUid = options.withoutSite ? '' : await putRequestingSite(cluster, namespace);
  const token = (name = 'my-link') => admin.get<AccessTokenResource>(ACCESS_TOKENS, { namespace, name });
  return {
    namespace,
    siteUid,
    put: (given) => {
      const { metadata, ...resource } = accessTokenResource(given);
      const made = { ...resource, metadata: { ...metadata, namespace } };
      return admin.create<AccessTokenResource>(ACCESS_TOKENS, made as AccessTokenResource);
    },
    token,
    waitForStatus: (status, name) =>
      retryUntil(`the token to be ${status}`, async () => {
        const found = await token(name);
        return found.status?.status === status ? found : undefined;
      }),
    links: async () => (await admin.listAll<LinkResource>(LINKS, { namespace })).items,
    secrets: async () => (await admin.listAll<SecretResource>(SECRETS, { namespace })).items,
  };
}
