import type { LinkDialOptions } from '../../compose/links.js';
import type { ClusterInspector, InspectedGrant } from '../../compose/open-cluster-administration.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import type { SiteRefusal } from '../../redemption/ports/site.js';
import { certificateLife } from '../../redemption/requesting/certificate-life.js';
import { formatTime } from '../terminal/output.js';
import { type Check, type Finding, fail, mergeFindings, ok, warn } from './doctor-check.js';
import { type AskedRights, checksOf, rightsCheck } from './doctor-cluster-rights.js';
import { probeToken, urlChecks } from './doctor-url.js';

const GRANTS_OFF = 'run it without -enable-grants and SKUPPER_ENABLE_GRANTS, or turn off linkgrant';
const RUN_IT =
  'deploy it as docs/how-to/kubernetes.md describes, or name the namespace where it runs with --service-namespace';
// A grant cannot become Ready while one of these checks fails.
const CAUSES: ReadonlySet<string> = new Set(['kinds', 'service', 'controller', 'site', 'issuer']);

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

/** Checks the accepting side in a cluster: kinds, rights, the controllers of its grants, site, issuer, grants and their URL. */
export async function acceptingClusterChecks(
  inspector: ClusterInspector,
  namespace: string,
  options: LinkDialOptions,
): Promise<Check[]> {
  const earlier = [
    ...(await checksOf('kinds', () => kindChecks(inspector))),
    ...(await checksOf('rights', () => Promise.all(RIGHTS.map((asked) => rightsCheck(inspector, asked))))),
    ...(await checksOf('service', () => servingChecks(inspector))),
    ...(await checksOf('site', () => siteChecks(inspector, options.clock()))),
  ];
  return [
    ...earlier,
    ...(await checksOf('grants', () => grantChecks(inspector, { namespace, earlier }, options))),
  ];
}

async function kindChecks(inspector: ClusterInspector): Promise<Check[]> {
  return (await inspector.kinds()).map(({ apiVersion, needed, missing }) => {
    const hint = apiVersion.startsWith('skupper.io/')
      ? 'install Skupper v2, or run `kubectl apply --server-side -f deploy/crds/skupper`'
      : 'run `kubectl apply --server-side -k deploy/crds`';
    return missing.length === 0
      ? ok('kinds', `${apiVersion} has ${needed.join(', ')}`)
      : fail('kinds', `${apiVersion} lacks ${missing.join(', ')}`, hint, 2);
  });
}

async function servingChecks(inspector: ClusterInspector): Promise<Check[]> {
  const [service, controllers, readySite] = await Promise.all([
    inspector.service(),
    inspector.skupperControllers(),
    // The check of the site reports a missing right to list Sites.
    inspector.readySiteName().catch(() => undefined),
  ]);
  const serving = controllers?.filter(({ servesGrants }) => servesGrants) ?? [];
  const isLeading = service.seen === 'leading';
  return [
    serviceCheck(service, serving.length > 0),
    skupperCheck(controllers, serving, { isLeading, readySite }),
  ];
}

function serviceCheck(service: Awaited<ReturnType<ClusterInspector['service']>>, isSkuppers: boolean): Check {
  const { seen, namespace } = service;
  if (seen === 'leading')
    return ok('service', `${service.holder} in namespace "${namespace}" serves AccessGrants`);
  if (seen === 'forbidden') {
    const detail = `the Lease "linkgrant-grants" of namespace "${namespace}" may not be read, so it is unknown whether one runs`;
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

type Controllers = NonNullable<Awaited<ReturnType<ClusterInspector['skupperControllers']>>>;

function skupperCheck(
  controllers: Controllers | undefined,
  serving: Controllers,
  { isLeading, readySite }: { readonly isLeading: boolean; readonly readySite: string | undefined },
): Check {
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
  // The controller may be deployed under another name.
  if (readySite !== undefined) return ok('controller', `a controller reports Site "${readySite}" Ready`);
  return warn(
    'controller',
    'there is no Deployment "skupper-controller", and no Site here is Ready',
    'install Skupper v2: its controller makes Sites and Links work',
  );
}

async function siteChecks(inspector: ClusterInspector, now: number): Promise<Check[]> {
  const found = await inspector.endpoints();
  if ('refused' in found) return [refused('site', found)];
  const shown = found.endpoints.map(formatEndpoint).join(', ');
  return [
    ok('site', `links lead to ${shown}`),
    ...(await checksOf('issuer', () => issuerChecks(inspector, now))),
  ];
}

async function issuerChecks(inspector: ClusterInspector, now: number): Promise<Check[]> {
  const [unread] = await inspector.missing([
    { verb: 'get', group: '', resource: 'secrets' },
    { verb: 'list', group: 'skupper.io', resource: 'routeraccesses' },
  ]);
  if (unread) {
    const detail = `not looked at, for you may not ${unread.verb} ${unread.resource}; the service judges it for each grant`;
    return [warn('issuer', detail, 'run this as who may, or see the conditions of the grants')];
  }
  const access = await inspector.access();
  if ('refused' in access) return [refused('issuer', access)];
  const { description, notAfter } = access.issuer;
  const end = formatTime(notAfter);
  if (certificateLife(access.issuer, now) === 'ending') {
    const hint = 'renew the CA of the site, after which its links have to be made anew';
    return [warn('issuer', `${description} ends ${end}`, hint)];
  }
  return [ok('issuer', `${description}, until ${end}; the site's routers trust it`)];
}

async function grantChecks(
  inspector: ClusterInspector,
  { namespace, earlier }: { readonly namespace: string; readonly earlier: readonly Check[] },
  options: LinkDialOptions,
): Promise<Check[]> {
  const grants = (await inspector.grants()).map((grant) =>
    // Skupper's controller accepts some grants that linkgrant does not.
    grant.state === 'pending' && grant.isReady ? { ...grant, state: 'ready' as const } : grant,
  );
  if (grants.length === 0) {
    return [ok('grants', 'there is none yet; the URL of tokens is known when one is Ready')];
  }
  const states = new Map<string, number>();
  for (const { state } of grants) states.set(state, (states.get(state) ?? 0) + 1);
  const counted = [...states].map(([state, count]) => `${count} ${state}`).join(', ');
  const reached = grants.find(({ url, ca, uid }) => ca !== undefined && url?.endsWith(`/${uid}`));
  const { url = '', ca = '', uid = '' } = reached ?? {};
  const findings = grants.flatMap((grant): Finding[] => {
    const { name: resource, state, isContended } = grant;
    const contended = fail('', 'another controller rewrites its status', GRANTS_OFF);
    return [
      ...(isContended ? [{ resource, ...contended }] : []),
      ...(state === 'pending' ? [{ resource, ...waitingFinding(grant, { namespace, earlier }) }] : []),
      ...(grant.isReady && grant.problems.length > 0 ? [{ resource, ...refusedFinding(grant) }] : []),
    ];
  });
  return [
    ok('grants', counted),
    ...mergeFindings('grant', findings),
    ...(reached ? await urlChecks(probeToken({ url: url.slice(0, -uid.length - 1), ca }), options) : []),
  ];
}

/** Why a grant is not Ready: the problems of its spec, else the message of its controller. */
function waitingFinding(
  { problems, message = 'no controller has written its status' }: InspectedGrant,
  { namespace, earlier }: { readonly namespace: string; readonly earlier: readonly Check[] },
): Omit<Finding, 'resource'> {
  if (problems.length > 0) {
    const hint = (names: string) => `correct it with \`kubectl -n ${namespace} edit accessgrant ${names}\``;
    return { ...fail('', problems.join('; '), ''), hint };
  }
  const failed = earlier.filter(({ name, status }) => status === 'fail' && CAUSES.has(name));
  const elsewhere =
    failed.length > 0
      ? `correct what failed above: ${failed.map(({ name }) => `"${name}"`).join(', ')}`
      : `repeat this in a minute; then see the log of the controller that serves the AccessGrants of namespace "${namespace}"`;
  const [what = '', hint = elsewhere] = message.split(/; (.*)/s);
  return fail('', what, hint);
}

function refusedFinding({ problems }: InspectedGrant): Omit<Finding, 'resource'> {
  const detail = `its controller reports it Ready, but linkgrant refuses it: ${problems.join('; ')}`;
  return warn('', detail, 'correct it before linkgrant serves the AccessGrants of this namespace');
}

function refused(name: string, { reason, hint }: SiteRefusal): Check {
  return fail(name, reason, hint);
}
