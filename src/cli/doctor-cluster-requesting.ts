import type { ClusterSights, TokenSight } from '../cluster-administration.js';
import type { LinkDialOptions } from '../link-side.js';
import { renewableLink } from '../redemption/renewable-link.js';
import type { Settings } from '../setting-schemas.js';
import { certificateCheck } from './doctor-certificates.js';
import { type Check, fail, ok, warn } from './doctor-check.js';
import { type AskedRights, looked, rightsCheck } from './doctor-cluster-rights.js';

// What the Role of deploy/bootstrap/job.yaml has.
const RIGHTS: AskedRights = {
  name: 'rights: redeem',
  what: 'token redeem and bootstrap',
  rights: [
    ['list', 'skupper.io', 'sites'],
    ...['get', 'list', 'create', 'patch'].map((verb) => [verb, 'skupper.io', 'links'] as const),
    ...['get', 'list', 'create', 'update', 'patch', 'delete'].map((verb) => [verb, '', 'secrets'] as const),
  ],
};

/** What the requesting side needs in a cluster: a Site, rights, AccessTokens that are redeemed, and links that are up. */
export async function requestingClusterChecks(
  settings: Settings,
  sights: ClusterSights,
  { clock, ...connection }: LinkDialOptions,
): Promise<{ readonly checks: readonly Check[]; readonly isInUse: boolean }> {
  const { openClusterSide } = await import('../cluster-side.js');
  const side = await openClusterSide(settings, { ...connection, clock, checkpoint: () => undefined });
  let isInUse = false;
  const checks = [
    ...(await looked('own site', async () => {
      const site = await side.findSite();
      if (!site) {
        const hint = `create one with \`skupper site create NAME -n ${side.namespace}\``;
        return [
          fail('own site', `namespace "${side.namespace}" has no site that links could belong to`, hint),
        ];
      }
      return site.isReady
        ? [ok('own site', `"${site.name}" is Ready`)]
        : [
            warn(
              'own site',
              `"${site.name}" is not Ready yet`,
              `\`kubectl -n ${side.namespace} get site\` tells why`,
            ),
          ];
    })),
    await rightsCheck(sights, RIGHTS),
    ...(await looked('tokens', async () => {
      const tokens = await sights.tokens();
      isInUse = tokens.length > 0;
      return tokens.map(tokenCheck);
    })),
    ...(await looked('links', async () => {
      const links = await side.links.list();
      isInUse ||= links.length > 0;
      const states = await side.linkStates();
      const found: Check[] = [];
      for (const { name, tlsCredentials } of links) {
        const { isReady = false, message = 'its controller has not said' } = states.get(name) ?? {};
        found.push(
          isReady
            ? ok(`link ${name}`, 'Ready')
            : warn(
                `link ${name}`,
                `not Ready: ${message}`,
                `\`linkgrant link check ${name} -p kubernetes\` tells what is wrong`,
              ),
          ...(await looked(`link ${name}`, async () => [
            await credentialsCheck(`link ${name}`, tlsCredentials),
          ])),
        );
      }
      return found;
    })),
  ];
  return { checks, isInUse };

  async function credentialsCheck(label: string, name: string): Promise<Check> {
    const secret = await side.links.findSecret(name);
    if (!secret)
      return fail(label, `its Secret "${name}" is not there`, 'put the Secret back, or delete the link', 3);
    const renewal =
      'cannot' in renewableLink(secret)
        ? 'nothing renews it: redeem a new token in time'
        : 'nothing has renewed it: run `linkgrant link renew`, and see that a CronJob does';
    return certificateCheck(label, secret.tlsCrt, clock(), renewal);
  }
}

function tokenCheck({
  name,
  isRedeemed,
  isFinal,
  message = 'no controller has said anything of it',
}: TokenSight): Check {
  const label = `token ${name}`;
  if (isRedeemed) return ok(label, 'redeemed');
  if (isFinal)
    return fail(label, message, 'delete the AccessToken, and apply a new one of the accepting site', 3);
  const redeemers =
    "Skupper's controller redeems it, or linkgrant where that has grants off: docs/kubernetes.md";
  return warn(label, `not redeemed: ${message}`, redeemers);
}
