import { ADMIN_SETTINGS, CONSOLE_SETTINGS } from './admin-settings.js';
import { IDENTITY_SETTINGS } from './identity-settings.js';

/** The flag, default and description of one setting. setting-schemas.ts reads its value. */
export interface SettingDefinition {
  /** The default, as text for the flag. If it depends on the user, the one for root. Absent if the setting has no default. */
  readonly default?: string | boolean;
  /** The placeholder of the value in help; absent for a switch. */
  readonly placeholder?: string;
  readonly description: string;
  /** The description for every command but `serve`, if it differs from `description`. */
  readonly elsewhere?: string;
  /** The letter of its short flag, the same as Skupper's. Every command that reads settings accepts it. */
  readonly short?: string;
  /** True if the flag may be repeated. */
  readonly many?: boolean;
  /** Skupper's variable for the same setting, read if linkgrant's own is unset. */
  readonly alias?: string;
}

/** The values of the setting `platform`. */
export const PLATFORMS = ['standalone', 'podman', 'docker', 'linux', 'kubernetes'] as const;

/**
 * Every setting by its key in the configuration file, except {@link NOT_IN_FILE}. The long flag is the key in
 * kebab-case, the variable is `LINKGRANT_` and the key in upper snake case.
 */
export const SETTINGS = {
  dataDir: {
    default: '/var/lib/linkgrant',
    placeholder: 'DIR',
    description:
      'directory of the service: CAs, keys and the SQLite file; of a requesting site: keys and responses of its redemptions, needed to repeat them (default: /var/lib/linkgrant for root, /var/lib/linkgrant-service for its owner, else ~/.local/share/linkgrant)',
  },
  platform: {
    default: 'standalone',
    placeholder: 'PLATFORM',
    short: 'p',
    alias: 'SKUPPER_PLATFORM',
    description: 'what the site runs on: standalone, podman, docker, linux or kubernetes',
  },
  namespace: {
    placeholder: 'NAMESPACE',
    short: 'n',
    description: 'serve this namespace only (default: every namespace that has a site)',
    elsewhere:
      'namespace of the site and its grants (default: that of serve --namespace, else that of the kubeconfig, else default)',
  },
  serviceNamespace: {
    placeholder: 'NAMESPACE',
    description: 'namespace that the service itself runs in, for its own Secrets (default: that of its pod)',
    elsewhere:
      'namespace of the service (default: that of the command if a service runs there, else linkgrant)',
  },
  kubeconfig: {
    placeholder: 'FILE',
    alias: 'KUBECONFIG',
    description:
      'file with the address and credentials of the cluster (default: ~/.kube/config if it exists, else the service account of the pod)',
  },
  context: { placeholder: 'NAME', short: 'c', description: 'context of the kubeconfig (default: current)' },
  controllers: {
    default: 'accessgrant',
    placeholder: 'NAME',
    many: true,
    description:
      'what to reconcile: accessgrant (AccessGrants; the process also serves redemptions), or accesstoken (redeems the AccessTokens of sites that link to others; needs --no-redemption)',
  },
  noRedemption: {
    default: false,
    description: 'serve no redemptions and open no port for them; for --controllers accesstoken',
  },
  tokenNetwork: {
    placeholder: 'CIDR',
    many: true,
    description:
      'for --controllers accesstoken: network or address that the URLs of tokens and of renewals may lead to (default: any but loopback, link-local, multicast and reserved ones and those of metadata services)',
  },
  ownKey: {
    default: false,
    description:
      'redeem a token only if the private key is generated on this side: refuse a Skupper grant server, which generates it itself; tokens of linkgrant are always redeemed this way',
  },
  skupperHome: {
    default: '/var/lib/skupper',
    placeholder: 'DIR',
    description:
      "Skupper's data directory (default: /output in a container that has it, /var/lib/skupper for root, else ~/.local/share/skupper)",
  },
  listen: { default: ':9090', placeholder: 'HOST:PORT', description: 'address of the redemption service' },
  externalUrl: {
    placeholder: 'URL',
    description: 'URL that tokens carry, with the path prefix if a proxy or an ingress needs one',
  },
  pathPrefix: {
    placeholder: 'PATH',
    description: 'path that all routes are under (default: the path of --external-url)',
  },
  host: {
    placeholder: 'HOST',
    many: true,
    description:
      'name or address in the server certificate; the first one is in the URL of tokens. On system sites, links connect to the first one that the certificate of the router contains',
  },
  endpoint: {
    placeholder: 'ROLE=HOST:PORT[@GROUP]',
    many: true,
    description:
      'address of the router of the accepting site for links of one role: inter-router, edge or inter-network',
  },
  tlsCert: { placeholder: 'FILE', description: 'server certificate chain of the service (PEM)' },
  tlsKey: { placeholder: 'FILE', description: 'key of --tls-cert (PEM)' },
  tlsCa: { placeholder: 'FILE', description: 'CA of --tls-cert, which tokens carry (PEM)' },
  service: {
    default: 'linkgrant',
    placeholder: 'NAME',
    description: 'Service whose load balancer address is in the URL of tokens, unless --external-url is set',
  },
  securedAccess: {
    default: false,
    alias: 'SKUPPER_GRANT_SERVER_AUTOCONFIGURE',
    description: "have Skupper's controller expose the service, by a SecuredAccess called linkgrant-grants",
  },
  tlsSecret: {
    placeholder: 'NAME',
    alias: 'SKUPPER_GRANT_SERVER_TLS_CREDENTIALS',
    description:
      "Secret with the server certificate (tls.crt, tls.key, ca.crt), as cert-manager writes it (default: linkgrant's own)",
  },
  tlsMinVersion: { default: '1.3', placeholder: 'VERSION', description: 'lowest TLS version: 1.3 or 1.2' },
  issuerCert: {
    placeholder: 'FILE',
    description: 'certificate of the CA that signs link certificates, with its chain (PEM)',
  },
  issuerKey: { placeholder: 'FILE', description: 'key of --issuer-cert (PEM)' },
  serverKeyType: {
    default: 'p256',
    placeholder: 'TYPE',
    description: 'key generated for clients that send no CSR: p256 or rsa2048',
  },
  store: {
    placeholder: 'sqlite:FILE|postgres://…',
    description:
      'store of the grants: sqlite:FILE or postgres://USER@HOST/DATABASE (default: linkgrant.db in the data directory)',
  },
  workers: { default: '1', placeholder: 'N', description: 'processes that serve' },
  opsListen: {
    default: '127.0.0.1:9091',
    placeholder: 'HOST:PORT',
    description: 'address of /healthz, /readyz and /metrics (plain HTTP), or off',
  },
  ...ADMIN_SETTINGS,
  ...CONSOLE_SETTINGS,
  ...IDENTITY_SETTINGS,
  allowRedeemByKey: {
    default: false,
    alias: 'SKUPPER_ALLOW_REDEEM_BY_KEY',
    description: 'also accept <namespace>/<grant name> in place of the uid',
  },
  stockReplayWindow: {
    default: '2m',
    placeholder: 'DURATION',
    description: 'how long a lost response with a server-generated key is returned again; 0 for never',
  },
  stockReplaySource: {
    default: 'on',
    placeholder: 'on|off',
    description:
      'whether a lost response with a server-generated key is returned again only to the same address',
  },
  grantRetention: {
    default: '7d',
    placeholder: 'DURATION',
    description:
      'how long a grant that no file declares is retained after it expired or was revoked; 0 for ever',
  },
  ledgerRetention: {
    default: '400d',
    placeholder: 'DURATION',
    description:
      'how long the ledger of a deleted grant is retained after the last of its links can no longer be renewed; 0 for ever',
  },
  trustedProxy: {
    placeholder: 'CIDR',
    many: true,
    description:
      "network or address of a proxy whose X-Forwarded-For, or PROXY header with --proxy-protocol, contains the client's address; the proxy must set it itself",
  },
  proxyProtocol: {
    default: false,
    description: 'require a PROXY header from --trusted-proxy on --listen, and ignore X-Forwarded-For there',
  },
  maxConnections: {
    default: '10000',
    placeholder: 'N',
    description:
      'maximum number of open connections of one process; the default is lower if they would need more than a quarter of the memory, divided by --workers (2048 with 512 MiB)',
  },
  logLevel: { default: 'info', placeholder: 'LEVEL', description: 'debug, info, warn, error or silent' },
  observer: {
    placeholder: 'URL',
    description:
      "Skupper network observer, which reports the connected sites (on kubernetes Skupper's Sites do)",
  },
  observerCa: { placeholder: 'FILE', description: 'CA of --observer (PEM; default: those that Node trusts)' },
  observerCredentials: {
    placeholder: 'FILE',
    description: 'file with USER:PASSWORD or a bearer token for --observer',
  },
  webhook: {
    placeholder: 'URL',
    many: true,
    description: 'post an event to this URL when a link is redeemed, revoked, expiring or not renewed',
  },
  webhookSecretFile: {
    placeholder: 'FILE',
    description: 'file with the secret that signs webhooks, whsec_ and base64',
  },
  webhookCa: {
    placeholder: 'FILE',
    description: 'CA of the receivers of webhooks (PEM; default: those that Node trusts)',
  },
  webhookAllowPrivate: {
    default: false,
    description:
      'allow receivers of webhooks at private addresses and on this machine; these may also have an http URL',
  },
  server: {
    placeholder: 'URL|LOGIN',
    description: 'admin API that commands use instead of the store: URL of a service, or name of a login',
  },
  serverCa: {
    placeholder: 'FILE',
    description: 'CA of the admin API (PEM; default: those that Node trusts)',
  },
  serverTokenFile: {
    placeholder: 'FILE',
    description: 'file with the bearer token for --server (mode 0600)',
  },
} as const satisfies Record<string, SettingDefinition>;

export type SettingKey = keyof typeof SETTINGS;

/**
 * The settings that the configuration file cannot contain. The program finds the file by the data directory. A kubeconfig can name
 * a program to run. The others name a file with a credential, or where a command sends one. So no configuration file, such as
 * one from a backup, runs a program or sends a file that it names.
 */
export const NOT_IN_FILE: readonly string[] = [
  'dataDir',
  'kubeconfig',
  'consoleSecretFile',
  'observer',
  'observerCa',
  'observerCredentials',
  'server',
  'serverCa',
  'serverTokenFile',
] satisfies SettingKey[];

/** `externalUrl` → `--external-url`. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `externalUrl` → `LINKGRANT_EXTERNAL_URL`. */
export function variableOf(key: SettingKey): string {
  return `LINKGRANT_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
