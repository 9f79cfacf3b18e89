import type { MasterKey } from '../../../codes/signing-keys.js';
import type { Actor } from '../../../domain/actor.js';
import { AdministrationError } from '../../../domain/administration-error.js';
import { shell } from '../../../domain/shell-words.js';
import { sha256Hex } from '../../../pki/sha256.js';
import {
  DEFAULT_EXPIRATION_WINDOW_MS,
  DEFAULT_REDEMPTIONS_ALLOWED,
  grantProblem,
  notBeforeProblem,
} from '../../../redemption/accepting/create-grant.js';
import type { MintingKey } from '../../../redemption/accepting/mint-token.js';
import { dropOldCodeKeys } from '../../../redemption/accepting/rotate-code-keys.js';
import type { ServiceDescription } from '../../../redemption/accepting/service-description.js';
import type {
  Administration,
  CreateGrantRequest,
  OnceOnly,
} from '../../../redemption/administration/administration.js';
import type { AdministrationDependencies } from '../../../redemption/administration/dependencies.js';
import { linkIssuance } from '../../../redemption/administration/issue-link.js';
import {
  type CreatedGrantReport,
  grantReport,
} from '../../../redemption/administration/reports/grant-report.js';
import { policyOf, rejectedError, windowOf } from '../../../redemption/administration/request-values.js';
import { administrationOfStore } from '../../../redemption/administration/store-administration.js';
import { requireMintingKey, tokenOperations } from '../../../redemption/administration/tokens.js';
import type { Clock } from '../../../redemption/ports/clock.js';
import type { RotatingCodeKeys } from '../../../redemption/ports/code-keys.js';
import type { ConnectionObserver } from '../../../redemption/ports/connections.js';
import type { GrantStore } from '../../../redemption/ports/grant-store.js';
import type { KubernetesClient } from '../api/client.js';
import { ACCESS_GRANTS } from '../api/kinds.js';
import type { Stored } from '../api/resource.js';
import { type AccessGrantResource, readAccessGrant } from '../grants/access-grant-resource.js';
import type { Patience } from './await-ready.js';
import { clusterIssuers } from './cluster-issuers.js';
import { acceptingEndpoints, liveSite } from './live-site.js';
import { checkGrantCreation, makeGrant } from './make-grant.js';
import { withUserErrors } from './user-errors.js';

/** The dependencies of the administration of a cluster's grants. */
export interface ClusterAdministrationOptions {
  readonly client: KubernetesClient;
  /** The grants and redemptions of the cluster, with the rights of the user. */
  readonly store: GrantStore;
  readonly actor: Actor;
  /** The namespace that `describeService` returns. */
  readonly namespace: string;
  /** The only namespace whose sites are listed; undefined for all. */
  readonly served: string | undefined;
  readonly serviceNamespace: string;
  readonly codeKeys: RotatingCodeKeys;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly connections: ConnectionObserver;
  /** True if nothing may be changed; `store` then changes nothing either. */
  readonly dryRun: boolean;
}

/** The administration of grants that are resources of a cluster. */
export interface ClusterAdministration extends Administration {
  /** The code of the grant itself. Every user who may read the AccessGrant may read it. */
  readCode(uid: string): Promise<string>;
  /** The key that signs tokens of a grant. Secret. */
  signingKey(uid: string): Promise<MintingKey>;
  /** Creates a new master key, and with `dropOld` removes all others. */
  rotateCodeKey(options: { readonly dropOld: boolean }): Promise<MasterKey>;
}

/** Operations on the grants, tokens and redemptions of a cluster, with the rights of the user. */
export function clusterAdministration(options: ClusterAdministrationOptions): ClusterAdministration {
  const { client, store, actor, clock, namespace: defaultNamespace, served, codeKeys, connections } = options;
  const deps: AdministrationDependencies = {
    store,
    actor,
    clock,
    codeKeys,
    connections,
    // The status of each grant describes its service.
    readService: async () => undefined,
    resolveAccess: (request) => acceptingEndpoints(client, request),
    openSite: async () => liveSite(client, clock),
    issuers: clusterIssuers(client, { namespace: served, clock }),
    isDeclared: () => false,
  };
  const requireResource = async (uid: string): Promise<Stored<AccessGrantResource>> => {
    const { namespace, name } = (await store.findGrant(uid)) ?? {};
    const key = name === undefined ? undefined : { namespace, name };
    const found = key && (await client.find<AccessGrantResource>(ACCESS_GRANTS, key));
    if (found?.metadata.uid === uid) return found;
    throw new AdministrationError('no_such_grant', `there is no grant ${uid}`);
  };
  const general = administrationOfStore(deps);
  return withUserErrors<ClusterAdministration>({
    ...general,
    describeService: async () => ({
      namespace: defaultNamespace,
      platform: 'kubernetes',
      observesConnections: true,
    }),
    createGrant: (request, once) => createGrant(request, once, options),
    async showGrant(uid) {
      const { status } = await requireResource(uid);
      return { ...(await general.showGrant(uid)), ...(status?.url && { url: status.url }) };
    },
    async updateGrant(uid, change) {
      const { grant } = readAccessGrant(await requireResource(uid));
      if (change.expirationWindow !== undefined && grant.expirationTime !== null) {
        throw new AdministrationError(
          'grant_state',
          `the expiration window of grant "${grant.name}" has started, so its expiration time cannot change`,
          { hint: 'create another grant' },
        );
      }
      return general.updateGrant(uid, change);
    },
    async issueToken(request, once) {
      const resource = await requireResource(request.grantUid);
      const readService = async () => serviceOf(resource);
      return tokenOperations({ ...deps, readService }).issueToken(request, once);
    },
    async issueLink(request) {
      const resource = await requireResource(request.grantUid);
      const readService = async () => serviceOf(resource);
      return linkIssuance({ ...deps, readService }).issueLink(request);
    },
    async signingKey(uid) {
      const resource = await requireResource(uid);
      const readService = async () => serviceOf(resource);
      const { grant } = readAccessGrant(resource);
      return (await requireMintingKey(grant, { ...deps, readService })).key;
    },
    async rotateCodeKey({ dropOld }) {
      const created = await codeKeys.rotate();
      if (dropOld) await dropOldCodeKeys(codeKeys);
      return created;
    },
    async readCode(uid) {
      const { metadata, status } = await requireResource(uid);
      if (status?.code) return status.code;
      throw new AdministrationError('grant_state', `grant "${metadata.name}" has no code yet`, {
        hint: shell`\`kubectl -n ${metadata.namespace ?? 'default'} get accessgrant ${metadata.name}\` shows the reason`,
      });
    },
  });
}

async function createGrant(
  request: CreateGrantRequest,
  once: OnceOnly | undefined,
  { client, clock, serviceNamespace, patience, dryRun }: ClusterAdministrationOptions,
): Promise<CreatedGrantReport> {
  const { namespace, name, redemptionsAllowed, expirationWindow, code, issuer, policy: rules } = request;
  const { labels = {}, note } = request;
  const expirationWindowMs = windowOf(expirationWindow) ?? DEFAULT_EXPIRATION_WINDOW_MS;
  const policy = rules ? policyOf(rules) : {};
  const limits = { redemptionsAllowed, expirationWindowMs, code, issuer, policy };
  const grantFields = { namespace, name, ...limits, labels, note };
  const invalid = grantProblem(grantFields);
  if (invalid) throw rejectedError(`the grant was not created: ${invalid.problem}`, invalid.member);
  const late = notBeforeProblem(policy, clock() + expirationWindowMs, expirationWindowMs);
  if (late !== undefined) throw rejectedError(`the grant was not created: ${late}`, 'expirationWindow');
  const access = await acceptingEndpoints(client, { namespace, policy });
  if ('refused' in access) {
    throw new AdministrationError('no_link_access', `the grant was not created: ${access.reason}`, {
      hint: access.hint,
    });
  }
  const wanted = {
    ...grantFields,
    redemptionsAllowed: redemptionsAllowed ?? DEFAULT_REDEMPTIONS_ALLOWED,
    issuer: issuer ?? null,
    note: note ?? null,
  };
  if (dryRun) {
    const { grant } = readAccessGrant(await checkGrantCreation(wanted, code, client));
    return { ...grantReport(grant, clock()), url: '', code: '' };
  }
  const requestId = once && sha256Hex(JSON.stringify([once, request]));
  const created = await makeGrant(wanted, code, {
    client,
    serviceNamespace,
    now: clock,
    patience,
    request: requestId,
  });
  const { grant } = readAccessGrant(created);
  return { ...grantReport(grant, clock()), url: created.status.url, code: created.status.code };
}

/** The URL and CA of the service from the status of a grant; undefined until a controller has written them. */
function serviceOf({ metadata, status = {} }: Stored<AccessGrantResource>): ServiceDescription | undefined {
  const { url, ca } = status;
  const suffix = `/${metadata.uid}`;
  if (!url?.endsWith(suffix) || !ca) return undefined;
  return {
    platform: 'kubernetes',
    url: url.slice(0, -suffix.length),
    ca,
    caSha256: '',
    hosts: [],
    endpoints: [],
    issuer: null,
  };
}
