import type {
  ClusterInspector,
  InspectedGrant,
} from '../../compose/kubernetes/open-cluster-administration.js';
import { formatEndpoint } from '../../domain/host-port-text.js';
import { certificateState } from '../../domain/issued-certificate.js';
import type { CommandConnectionOptions } from '../flags/connection-flags.js';
import { formatTime } from '../terminal/output.js';
import { type Check, checksOf, type Finding, fail, mergeFindings, ok, warn } from './doctor-check.js';
import { accountCheck } from './doctor-cluster-accounts.js';
import { checkUrl, probeToken } from './doctor-route.js';

/** Permissions that are checked together: each a verb, an API group (empty for the core group) and a resource. */
export interface RequiredPermissions {
  readonly name: string;
  /** The commands that need them. */
  readonly commands: string;
  readonly permissions: readonly (readonly [verb: string, group: string, resource: string])[];
}

const DISABLE_SKUPPER_GRANTS_HINT =
  "run Skupper's controller without -enable-grants and SKUPPER_ENABLE_GRANTS, or stop linkgrant";
const DEPLOY_HINT =
  'deploy linkgrant as docs/how-to/kubernetes.md describes, or set its namespace with --service-namespace';
// A grant cannot become Ready while one of these checks fails.
const BLOCKING_CHECKS: ReadonlySet<string> = new Set(['kinds', 'service', 'controller', 'site', 'issuer']);

const PERMISSIONS: readonly RequiredPermissions[] = [
  {
    name: 'permissions: tokens',
    commands: 'token issue and grant create',
    permissions: [
      ['list', 'skupper.io', 'sites'],
      ['get', 'skupper.io', 'accessgrants'],
      ['create', 'skupper.io', 'accessgrants'],
      ['delete', 'skupper.io', 'accessgrants'],
    ],
  },
  {
    name: 'permissions: grants',
    commands: 'grant list, show, update and revoke',
    permissions: [
      ['list', 'skupper.io', 'accessgrants'],
      ['patch', 'skupper.io', 'accessgrants'],
      ['list', '', 'events'],
    ],
  },
  {
    name: 'permissions: links',
    commands: 'redemption list, show and revoke',
    permissions: [
      ['get', 'linkgrant.dev', 'redemptions'],
      ['list', 'linkgrant.dev', 'redemptions'],
      ['patch', 'linkgrant.dev', 'redemptions'],
    ],
  },
];

/** Checks the accepting side in a cluster: kinds, permissions, controllers of its grants, site, issuer, grants and their URL. */
export async function acceptingClusterChecks(
  inspector: ClusterInspector,
  namespace: string,
  options: CommandConnectionOptions,
): Promise<Check[]> {
  const earlier = [
    ...(await checksOf('kinds', () => kindChecks(inspector))),
    ...(await checksOf('permissions', () =>
      Promise.all(PERMISSIONS.map((required) => checkPermissions(inspector, required))),
    )),
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

/** Checks only whether a replica of the service, or Skupper's controller, serves the AccessGrants of the cluster. */
export async function checkServingReplica(inspector: ClusterInspector): Promise<Check> {
  const service = await inspector.service();
  const controllers = service.state === 'leading' ? [] : await inspector.skupperControllers();
  return serviceCheck(service, controllers?.some(({ servesGrants }) => servesGrants) ?? false);
}

async function servingChecks(inspector: ClusterInspector): Promise<Check[]> {
  const [service, controllers, limits, readySite] = await Promise.all([
    inspector.service(),
    inspector.skupperControllers(),
    inspector.accountLimits(),
    // The check of the site reports a missing permission to list Sites.
    inspector.readySiteName().catch(() => undefined),
  ]);
  const serving = controllers?.filter(({ servesGrants }) => servesGrants) ?? [];
  const isLeading = service.state === 'leading';
  return [
    serviceCheck(service, serving.length > 0),
    skupperCheck(controllers, serving, { isLeading, readySite }),
    ...accountCheck(limits),
  ];
}

function serviceCheck(
  service: Awaited<ReturnType<ClusterInspector['service']>>,
  skupperServesGrants: boolean,
): Check {
  const { state, namespace } = service;
  if (state === 'leading')
    return ok('service', `${service.holder} in namespace "${namespace}" serves AccessGrants`);
  if (state === 'forbidden') {
    const detail = `you have no permission to get the Lease "linkgrant-grants" in namespace "${namespace}", so it is unknown whether the service runs`;
    return warn(
      'service',
      detail,
      'set another namespace with --service-namespace, or read the grant checks below',
    );
  }
  if (skupperServesGrants) return ok('service', "Skupper's own controller serves AccessGrants");
  const detail =
    state === 'stopped'
      ? `the service in namespace "${namespace}" has stopped`
      : `no grant server runs in namespace "${namespace}"`;
  return fail('service', detail, DEPLOY_HINT);
}

type Controllers = NonNullable<Awaited<ReturnType<ClusterInspector['skupperControllers']>>>;

function skupperCheck(
  controllers: Controllers | undefined,
  serving: Controllers,
  { isLeading, readySite }: { readonly isLeading: boolean; readonly readySite: string | undefined },
): Check {
  const namespaceList = (found: Controllers) => found.map(({ namespace }) => `"${namespace}"`).join(', ');
  if (!controllers) {
    const hint = "make sure that Skupper's controller runs without -enable-grants and SKUPPER_ENABLE_GRANTS";
    return warn(
      'controller',
      "you have no permission to list Deployments, so Skupper's controller was not checked",
      hint,
    );
  }
  if (serving.length > 0 && isLeading) {
    const detail = `Skupper's controller in namespace ${namespaceList(serving)} serves AccessGrants too`;
    return fail('controller', detail, DISABLE_SKUPPER_GRANTS_HINT);
  }
  if (serving.length > 0)
    return ok(
      'controller',
      `Skupper's controller serves AccessGrants in namespace ${namespaceList(serving)}`,
    );
  if (controllers.length > 0)
    return ok(
      'controller',
      `Skupper's controller does not serve AccessGrants in namespace ${namespaceList(controllers)}`,
    );
  // The controller may be deployed under another name.
  if (readySite !== undefined) return ok('controller', `a controller reports Site "${readySite}" Ready`);
  return warn(
    'controller',
    'there is no Deployment "skupper-controller", and no Site here is Ready',
    'install Skupper v2: its controller is needed for Sites and Links',
  );
}

async function siteChecks(inspector: ClusterInspector, now: number): Promise<Check[]> {
  const found = await inspector.endpoints();
  if ('refused' in found) return [fail('site', found.reason, found.hint)];
  const endpoints = found.endpoints.map(formatEndpoint).join(', ');
  return [
    ok('site', `links connect to ${endpoints}`),
    ...(await checksOf('issuer', () => issuerChecks(inspector, now))),
  ];
}

async function issuerChecks(inspector: ClusterInspector, now: number): Promise<Check[]> {
  const [missingPermission] = await inspector.missingRights([
    { verb: 'get', group: '', resource: 'secrets' },
    { verb: 'list', group: 'skupper.io', resource: 'routeraccesses' },
  ]);
  if (missingPermission) {
    const detail = `not checked: you have no permission to ${missingPermission.verb} ${missingPermission.resource}; the service checks the issuer for each grant`;
    return [
      warn(
        'issuer',
        detail,
        'run `linkgrant doctor` as a user with this permission, or read the conditions of the AccessGrants',
      ),
    ];
  }
  const access = await inspector.access();
  if ('refused' in access) return [fail('issuer', access.reason, access.hint)];
  const { description, notAfter } = access.issuer;
  const end = formatTime(notAfter);
  if (certificateState(access.issuer, now) === 'expiring') {
    const hint = 'replace the CA of the site, then recreate the links to the site';
    return [warn('issuer', `${description} expires at ${end}`, hint)];
  }
  return [ok('issuer', `${description}, until ${end}; the site's routers trust it`)];
}

async function grantChecks(
  inspector: ClusterInspector,
  { namespace, earlier }: { readonly namespace: string; readonly earlier: readonly Check[] },
  options: CommandConnectionOptions,
): Promise<Check[]> {
  const grants = (await inspector.grants()).map((grant) =>
    // Skupper's controller accepts some grants that linkgrant does not.
    grant.state === 'pending' && grant.isReady ? { ...grant, state: 'ready' as const } : grant,
  );
  if (grants.length === 0) {
    return [ok('grants', 'there is no AccessGrant yet; the service URL can be checked when one is Ready')];
  }
  const states = new Map<string, number>();
  for (const { state } of grants) states.set(state, (states.get(state) ?? 0) + 1);
  const counted = [...states].map(([state, count]) => `${count} ${state}`).join(', ');
  const [service] = grants.flatMap(({ url, ca, uid }) =>
    ca !== undefined && url?.endsWith(`/${uid}`) ? [{ url: url.slice(0, -uid.length - 1), ca }] : [],
  );
  const findings = grants.flatMap((grant): Finding[] => {
    const { name, state, isContended } = grant;
    const contended = fail(name, 'another controller rewrites its status', DISABLE_SKUPPER_GRANTS_HINT);
    return [
      ...(isContended ? [contended] : []),
      ...(state === 'pending' ? [pendingFinding(grant, { namespace, earlier })] : []),
      ...(grant.isReady && grant.problems.length > 0 ? [invalidSpecFinding(grant)] : []),
    ];
  });
  return [
    ok('grants', counted),
    ...mergeFindings('grant', findings),
    ...(service ? await checkUrl(probeToken(service), options) : []),
  ];
}

/** Returns why a grant is not Ready: the problems of its spec, or else the message of its controller. */
function pendingFinding(
  { name, problems, message = 'no controller has written its status' }: InspectedGrant,
  { namespace, earlier }: { readonly namespace: string; readonly earlier: readonly Check[] },
): Finding {
  if (problems.length > 0) {
    const hint = (names: string) => `correct it with \`kubectl -n ${namespace} edit accessgrant ${names}\``;
    return { ...fail(name, problems.join('; '), ''), hint };
  }
  const failed = earlier.filter((check) => check.status === 'fail' && BLOCKING_CHECKS.has(check.name));
  const defaultHint =
    failed.length > 0
      ? `correct what failed above: ${failed.map((check) => `"${check.name}"`).join(', ')}`
      : `repeat this command in a minute; then read the log of the controller that serves the AccessGrants of namespace "${namespace}"`;
  // linkgrant writes "<reason>; <hint>" into the message.
  const [what = '', hint = defaultHint] = message.split(/; (.*)/s);
  return fail(name, what, hint);
}

function invalidSpecFinding({ name, problems }: InspectedGrant): Finding {
  const detail = `its controller reports it Ready, but linkgrant refuses it: ${problems.join('; ')}`;
  return warn(name, detail, 'correct it before linkgrant serves the AccessGrants of this namespace');
}

/** Checks that the user of this command has the permissions. A missing one is a warning: it affects only this user. */
export async function checkPermissions(
  inspector: ClusterInspector,
  { name, commands, permissions }: RequiredPermissions,
): Promise<Check> {
  const missing = await inspector.missingRights(
    permissions.map(([verb, group, resource]) => ({ verb, group, resource })),
  );
  if (missing.length === 0) return ok(name, `sufficient for ${commands}`);
  const missingList = missing.map(
    ({ verb, group, resource }) => `${verb} ${resource}${group && `.${group}`}`,
  );
  return warn(
    name,
    `not sufficient for ${commands}, missing: ${missingList.join(', ')}`,
    'to run these commands, request a Role with these permissions',
  );
}
