import type { ClusterSights } from '../cluster-administration.js';
import { formatEndpoint } from '../domain/host-port-text.js';
import type { LinkDialOptions } from '../link-side.js';
import { certificateLife } from '../redemption/certificate-life.js';
import type { SiteRefusal } from '../redemption/site.js';
import { type Check, fail, ok, warn } from './doctor-check.js';
import { type AskedRights, looked, rightsCheck } from './doctor-cluster-rights.js';
import { probeToken, urlChecks } from './doctor-url.js';
import { formatTime } from './output.js';

const GRANTS_OFF = 'run it without -enable-grants and SKUPPER_ENABLE_GRANTS, or turn off linkgrant';
const RUN_IT =
  'run `linkgrant serve --platform kubernetes` for it (deploy/ has manifests), or name where it runs with --service-namespace';

const RIGHTS: readonly AskedRights[] = [
  {
    name: 'rights: tokens',
    what: 'token issue and grant create',
    rights: [
      ['list', 'skupper.io', 'sites'],
      ['get', 'skupper.io', 'accessgrants'],
      ['create', 'skupper.io', 'accessgrants'],
      ['delete', 'skupper.io', 'accessgrants'],
    ],
  },
  {
    name: 'rights: grants',
    what: 'grant list, show, update and revoke',
    rights: [
      ['list', 'skupper.io', 'accessgrants'],
      ['patch', 'skupper.io', 'accessgrants'],
      ['list', '', 'events'],
    ],
  },
  {
    name: 'rights: links',
    what: 'redemption list, show and revoke',
    rights: [
      ['get', 'linkgrant.dev', 'redemptions'],
      ['list', 'linkgrant.dev', 'redemptions'],
      ['patch', 'linkgrant.dev', 'redemptions'],
    ],
  },
];

/** What the accepting side needs in a cluster: kinds, rights, who serves its grants, its site and issuer, its grants and their URL. */
export async function acceptingClusterChecks(
  sights: ClusterSights,
  options: LinkDialOptions,
): Promise<Check[]> {
  return [
    ...(await looked('kinds', () => kindChecks(sights))),
    ...(await looked('rights', () => Promise.all(RIGHTS.map((asked) => rightsCheck(sights, asked))))),
    ...(await looked('service', () => servingChecks(sights))),
    ...(await looked('site', () => siteChecks(sights, options.clock()))),
    ...(await looked('grants', () => grantChecks(sights, options))),
  ];
}

async function kindChecks(sights: ClusterSights): Promise<Check[]> {
  return (await sights.kinds()).map(({ apiVersion, needed, missing }) => {
    const hint = apiVersion.startsWith('skupper.io/')
      ? "install Skupper, or apply deploy/crds/skupper; a cluster with another version of Skupper's kinds needs Skupper v2"
      : 'apply deploy/crds';
    return missing.length === 0
      ? ok('kinds', `${apiVersion} has ${needed.join(', ')}`)
      : fail('kinds', `${apiVersion} lacks ${missing.join(', ')}`, hint, 2);
  });
}

async function servingChecks(sights: ClusterSights): Promise<Check[]> {
  const [service, controllers] = await Promise.all([sights.service(), sights.skupperControllers()]);
  const serving = controllers?.filter(({ servesGrants }) => servesGrants) ?? [];
  return [
    serviceCheck(service, serving.length > 0),
    skupperCheck(controllers, serving, service.seen === 'leading'),
  ];
}

function serviceCheck(service: Awaited<ReturnType<ClusterSights['service']>>, isSkuppers: boolean): Check {
  const { seen, namespace } = service;
  if (seen === 'leading')
    return ok('service', `${service.holder} in namespace "${namespace}" serves AccessGrants`);
  if (seen === 'forbidden') {
    const detail = `the Lease "linkgrant-grants" of namespace "${namespace}" may not be read, which tells whether one runs`;
    return warn(
      'service',
      detail,
      'name another namespace with --service-namespace, or look at the grants below',
    );
  }
  if (isSkuppers) return ok('service', "Skupper's own controller serves AccessGrants");
  const detail =
    seen === 'stopped'
      ? `the service in namespace "${namespace}" has stopped`
      : `no service of AccessGrants runs in namespace "${namespace}"`;
  return fail('service', detail, RUN_IT);
}

type Controllers = NonNullable<Awaited<ReturnType<ClusterSights['skupperControllers']>>>;

function skupperCheck(controllers: Controllers | undefined, serving: Controllers, isLeading: boolean): Check {
  const places = (found: Controllers) => found.map(({ namespace }) => `"${namespace}"`).join(', ');
  if (!controllers) {
    const hint = 'see that it runs without -enable-grants and SKUPPER_ENABLE_GRANTS where linkgrant serves';
    return warn(
      'controller',
      "Deployments may not be listed, so Skupper's controller was not looked at",
      hint,
    );
  }
  if (serving.length > 0 && isLeading) {
    const detail = `Skupper's controller in namespace ${places(serving)} serves AccessGrants too`;
    return fail('controller', detail, GRANTS_OFF);
  }
  if (serving.length > 0)
    return ok('controller', `the grants of Skupper's controller are on in ${places(serving)}`);
  if (controllers.length > 0)
    return ok('controller', `the grants of Skupper's controller are off in ${places(controllers)}`);
  return warn(
    'controller',
    'there is no Deployment "skupper-controller"',
    'Sites and Links need one of Skupper v2',
  );
}

async function siteChecks(sights: ClusterSights, now: number): Promise<Check[]> {
  const found = await sights.endpoints();
  if ('refused' in found) return [refused('site', found)];
  const shown = found.endpoints.map(formatEndpoint).join(', ');
  return [ok('site', `links lead to ${shown}`), ...(await looked('issuer', () => issuerChecks(sights, now)))];
}

async function issuerChecks(sights: ClusterSights, now: number): Promise<Check[]> {
  const [unread] = await sights.missing([
    { verb: 'get', group: '', resource: 'secrets' },
    { verb: 'list', group: 'skupper.io', resource: 'routeraccesses' },
  ]);
  if (unread) {
    const detail = `not looked at, for you may not ${unread.verb} ${unread.resource}; the service judges it for each grant`;
    return [warn('issuer', detail, 'run this as who may, or see the conditions of the grants')];
  }
  const access = await sights.access();
  if ('refused' in access) return [refused('issuer', access)];
  const { description, notAfter } = access.issuer;
  const end = formatTime(notAfter);
  if (certificateLife(access.issuer, now) === 'ending') {
    const hint = 'renew the CA of the site, after which its links have to be made anew';
    return [warn('issuer', `${description} ends ${end}`, hint)];
  }
  return [ok('issuer', `${description}, until ${end}; the site's routers trust it`)];
}

async function grantChecks(sights: ClusterSights, options: LinkDialOptions): Promise<Check[]> {
  const grants = await sights.grants();
  if (grants.length === 0) {
    return [ok('grants', 'there is none yet; the URL of tokens is known when one is Ready')];
  }
  const states = new Map<string, number>();
  for (const { state } of grants) states.set(state, (states.get(state) ?? 0) + 1);
  const counted = [...states].map(([state, count]) => `${count} ${state}`).join(', ');
  const waiting = grants.filter(({ state }) => state === 'pending');
  const contended = grants.filter(({ isContended }) => isContended);
  const reached = grants.find(({ url, ca, uid }) => ca !== undefined && url?.endsWith(`/${uid}`));
  const { url = '', ca = '', uid = '' } = reached ?? {};
  return [
    ok('grants', counted),
    ...contended.map(({ name }) =>
      fail(`grant ${name}`, 'another controller rewrites its status', GRANTS_OFF),
    ),
    ...waiting.map(({ name, message = 'no controller has said anything of it' }) => {
      const [what = '', hint = 'see `service` and `site` above'] = message.split(/; (.*)/s);
      return fail(`grant ${name}`, what, hint);
    }),
    ...(reached ? await urlChecks(probeToken({ url: url.slice(0, -uid.length - 1), ca }), options) : []),
  ];
}

function refused(name: string, { reason, hint }: SiteRefusal): Check {
  return fail(name, reason, hint);
}
