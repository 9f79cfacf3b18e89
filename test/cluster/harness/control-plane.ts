import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../support/free-port.js';
import { ChildProgram } from './child-program.js';
import { kubeconfigOf } from './kubeconfig.js';

/** etcd, kube-apiserver and, if requested, kube-controller-manager, all on 127.0.0.1. */
export interface ControlPlane {
  /** Path of a kubeconfig with all permissions. */
  readonly kubeconfig: string;
  /** Directory of its data. */
  readonly home: string;
  /** Ends the API server as a crash would; its data stays. */
  stopApiServer(): Promise<void>;
  /** Starts the API server again on the same port. */
  startApiServer(): void;
  /** Process ids of the programs. */
  pids(): number[];
  /** Returns why one of the programs has ended by itself, or did not start; undefined while all run. */
  failure(): Error | undefined;
  /** Ends everything and removes its data. */
  stop(): Promise<void>;
}

// They delete dependents and namespaces, create default service accounts, write tokens into Secrets, and aggregate roles.
const CONTROLLERS = [
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'clusterrole-aggregation-controller',
];

/** Starts a control plane from the programs in `directory`; it answers some seconds later. */
export async function startControlPlane(
  directory: string,
  options: { readonly controllers: boolean },
): Promise<ControlPlane> {
  const home = mkdtempSync(join(tmpdir(), 'linkgrant-cluster-'));
  const [etcdPort, peerPort, apiPort] = await freePorts(3);
  const server = `https://127.0.0.1:${apiPort}`;
  const path = (name: string) => join(home, name);
  const token = randomBytes(24).toString('hex');
  writeFileSync(path('tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const keys = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeFileSync(path('accounts.key'), keys.privateKey, { mode: 0o600 });
  writeFileSync(path('accounts.pub'), keys.publicKey);
  const certificate = path('certificates/apiserver.crt');
  const ca = () => readFileSync(certificate, 'utf8');

  const start = (program: string, args: Readonly<Record<string, string | number | boolean>>) =>
    new ChildProgram(
      join(directory, program),
      Object.entries(args).map(([flag, value]) => `--${flag}=${value}`),
      path(`${program}.log`),
    );
  const startApiServer = () =>
    start('kube-apiserver', {
      'etcd-servers': `http://127.0.0.1:${etcdPort}`,
      'bind-address': '127.0.0.1',
      'secure-port': apiPort ?? 0,
      // The API server creates its certificate for 127.0.0.1 here, and reuses it after a restart.
      'cert-dir': path('certificates'),
      'authorization-mode': 'RBAC',
      'token-auth-file': path('tokens.csv'),
      'service-cluster-ip-range': '10.0.0.0/24',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': path('accounts.pub'),
      'service-account-signing-key-file': path('accounts.key'),
      // This plugin refuses pods until the controllers have created the default account of their namespace.
      ...(!options.controllers && { 'disable-admission-plugins': 'ServiceAccount' }),
    });
  const programs = {
    etcd: start('etcd', {
      'data-dir': path('etcd'),
      'listen-client-urls': `http://127.0.0.1:${etcdPort}`,
      'advertise-client-urls': `http://127.0.0.1:${etcdPort}`,
      'listen-peer-urls': `http://127.0.0.1:${peerPort}`,
      'unsafe-no-fsync': true,
      'log-level': 'warn',
    }),
    apiServer: startApiServer(),
    controllers: undefined as ChildProgram | undefined,
  };
  let isApiServerStopped = false;
  const plane: ControlPlane = {
    kubeconfig: path('admin.yaml'),
    home,
    async stopApiServer() {
      isApiServerStopped = true;
      await programs.apiServer.stop();
    },
    startApiServer() {
      programs.apiServer = startApiServer();
      isApiServerStopped = false;
    },
    pids: () =>
      [programs.etcd, programs.apiServer, programs.controllers].flatMap((program) => program?.pid ?? []),
    failure: () =>
      programs.etcd.failure() ??
      (isApiServerStopped ? undefined : programs.apiServer.failure()) ??
      programs.controllers?.failure(),
    async stop() {
      await programs.controllers?.stop();
      await programs.apiServer.stop();
      await programs.etcd.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
  try {
    while (!existsSync(certificate) || !ca().includes('-----END')) {
      const failure = plane.failure();
      if (failure) throw failure;
      await new Promise((settle) => setTimeout(settle, 50));
    }
    writeFileSync(plane.kubeconfig, kubeconfigOf({ server, ca: ca(), token }), { mode: 0o600 });
    if (options.controllers) {
      programs.controllers = start('kube-controller-manager', {
        kubeconfig: plane.kubeconfig,
        'service-account-private-key-file': path('accounts.key'),
        'root-ca-file': certificate,
        'leader-elect': false,
        'secure-port': 0,
        controllers: CONTROLLERS.join(','),
        'kube-api-qps': 500,
        'kube-api-burst': 1_000,
      });
    }
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}
