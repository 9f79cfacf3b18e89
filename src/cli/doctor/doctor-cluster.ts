import type {
  ClusterInspector,
  InspectedToken,
} from '../../compose/kubernetes/open-cluster-administration.js';
import type { RequestingCluster } from '../../compose/kubernetes/requesting-cluster.js';
import { commandContext } from '../../config/command-context.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { shell } from '../../domain/shell-words.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { withCluster } from '../session/cluster-session.js';
import { usageError } from '../terminal/command-error.js';
import {
  type Check,
  checksOf,
  type DoctorInput,
  downgradeToWarning,
  type Finding,
  fail,
  mergeFindings,
  ok,
  warn,
} from './doctor-check.js';
import {
  acceptingClusterChecks,
  checkPermissions,
  type RequiredPermissions,
} from './doctor-cluster-accepting.js';
import { identityProviderChecks } from './doctor-providers.js';
import { credentialsCheck, tokenChecks } from './doctor-requesting.js';

// The permissions of the Role in deploy/bootstrap/job.yaml.
const PERMISSIONS: RequiredPermissions = {
  name: 'permissions: redeem',
  commands: 'token redeem and bootstrap',
  permissions: [
    ['list', 'skupper.io', 'sites'],
    ...['get', 'list', 'create', 'patch'].map((verb) => [verb, 'skupper.io', 'links'] as const),
    ...['get', 'list', 'create', 'update', 'patch', 'delete'].map((verb) => [verb, '', 'secrets'] as const),
  ],
};

/**
 * Checks a namespace. With `token`: the token and the requesting side. Without: the accepting side, and the requesting
 * side if it is in use. Spends no use and writes nothing.
 */
export async function clusterChecks(
  settings: Settings,
  input: DoctorInput,
  options: CommandConnectionOptions,
): Promise<readonly Check[]> {
  const { token, to } = input;
  if (to !== undefined) {
    throw usageError(
      '--to cannot be combined with --platform kubernetes',
      "omit --to: links are written into the site's namespace",
    );
  }
  return checksOf('cluster', () =>
    withCluster({}, settings, async ({ administration, inspector, namespace, store }) => {
      // Rejects if the API server cannot be reached: one failure instead of one for each check.
      await inspector.kinds();
      const apiCheck = ok('cluster', `the API server responds; the checked namespace is "${namespace}"`);
      const { openRequestingCluster } = await import('../../compose/kubernetes/requesting-cluster.js');
      const cluster = await openRequestingCluster(settings, options);
      const requesting = await requestingClusterChecks(cluster, inspector);
      if (token !== undefined) {
        const findLink = async (redeemed: RedeemableToken) =>
          (await cluster.findSecretName(redeemed)) ?? (await inspector.redeemedTokenName(redeemed));
        const site = { findLink, siteUid: () => cluster.uid(), linkRequests: cluster.linkRequests };
        const checks = await tokenChecks({ ...input, token }, site, options);
        return [apiCheck, ...checks, ...requesting.checks];
      }
      const accepting = await acceptingClusterChecks(inspector, namespace, options);
      const urlOf = async (grant?: AccessGrant) => grant && (await administration.showGrant(grant.uid)).url;
      const identities = await checksOf('identity providers', () =>
        identityProviderChecks(settings, input, { store, namespace, urlOf }, options),
      );
      // A site that only requests links needs no accepting side.
      const acceptsLinks =
        !requesting.isInUse || accepting.some(({ name, status }) => name === 'site' && status === 'ok');
      return [
        apiCheck,
        ...(acceptsLinks ? accepting : accepting.map(downgradeToWarning)),
        ...identities,
        ...(requesting.isInUse ? requesting.checks : []),
      ];
    }),
  );
}

async function requestingClusterChecks(
  cluster: RequestingCluster,
  inspector: ClusterInspector,
): Promise<{ readonly checks: readonly Check[]; readonly isInUse: boolean }> {
  const { namespace } = cluster;
  let isInUse = false;
  const checks = [
    ...(await checksOf('own site', async () => {
      const site = await cluster.findSite();
      if (!site) {
        const hint = `create one with \`skupper site create NAME -n ${namespace}\``;
        return [
          fail('own site', `namespace "${namespace}" has no site, so there is no owner for links`, hint),
        ];
      }
      return site.isReady
        ? [ok('own site', `"${site.name}" is Ready`)]
        : [
            warn(
              'own site',
              `"${site.name}" is not Ready yet`,
              shell`read its MESSAGE with \`kubectl -n ${namespace} get site\``,
            ),
          ];
    })),
    await checkPermissions(inspector, PERMISSIONS),
    ...(await checksOf('tokens', async () => {
      const tokens = await inspector.tokens();
      isInUse = tokens.length > 0;
      return mergeFindings('token', tokens.map(tokenFinding));
    })),
    ...(await checksOf('links', async () => {
      const links = await cluster.links.list();
      isInUse ||= links.length > 0;
      const states = await cluster.linkStatuses();
      const renewCommand = shell`linkgrant link renew --all -p kubernetes -n ${namespace}`;
      const renewal = { command: renewCommand, runner: 'CronJob' } as const;
      const linkChecks: Check[] = [];
      for (const link of links) {
        const { name } = link;
        const { isReady = false, message = 'no controller has written its status' } = states.get(name) ?? {};
        const checkCommand = shell`linkgrant link check ${name} -p kubernetes -n ${namespace}`;
        linkChecks.push(
          isReady
            ? ok(`link ${name}`, 'Ready')
            : warn(`link ${name}`, `not Ready: ${message}`, `find the cause with \`${checkCommand}\``),
          ...(await checksOf(`link ${name}`, async () => [
            await credentialsCheck(link, cluster.links, renewal, commandContext().clock()),
          ])),
        );
      }
      return linkChecks;
    })),
  ];
  return { checks, isInUse };
}

function tokenFinding({
  name,
  isRedeemed,
  isFinal,
  message = 'no controller has written its status',
}: InspectedToken): Finding {
  if (isRedeemed) return ok(name, 'redeemed');
  if (isFinal) {
    const hint = 'delete the AccessToken, and apply a new one from the accepting site';
    return fail(name, message, hint, 3);
  }
  const redeemers =
    "Skupper's controller redeems it, or linkgrant if that controller ignores AccessTokens: docs/how-to/kubernetes-accesstokens.md";
  return warn(name, `not redeemed: ${message}`, redeemers);
}
