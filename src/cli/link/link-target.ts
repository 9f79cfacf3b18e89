import { parse as parsePath, resolve } from 'node:path';
import type { RequestingCluster } from '../../compose/kubernetes/requesting-cluster.js';
import {
  type Accept,
  directoryMaterializer,
  type LinkLocation,
  openRequestingSite,
  openTokenRedemption,
  type Redeem,
  type RequestingSite,
  streamMaterializer,
} from '../../compose/token-redemption.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { RedeemableToken } from '../../domain/access-token.js';
import { refuseForeignDirectory } from '../../files/foreign-directory.js';
import type { LinkProxy } from '../../redemption/ports/link-files.js';
import type { Materializer } from '../../redemption/ports/materializer.js';
import {
  type CommandConnectionOptions,
  type ConnectionFlags,
  connectionOptions,
} from '../flags/connection-flags.js';
import { configurationFrom } from '../session/configuration.js';
import { type CommandError, invalidValue, usageError } from '../terminal/command-error.js';
import { deliver } from '../terminal/write-out.js';
import { proxyUrl, readProxySecret } from './proxy-secret.js';
import { siteNamespace } from './site-namespace.js';

/** The flags for the target of links, and for the reload of its router. */
export interface LinkTargetFlags extends ConnectionFlags {
  /** A directory, or `-` for standard output; only on the standalone platform. */
  readonly to?: string;
  readonly namespace?: string;
  readonly reloadCommand?: string;
  readonly proxySecret?: string;
  readonly [setting: string]: unknown;
}

/** Where a command writes links. */
export type LinkTarget = DirectoryTarget | StreamTarget | SystemSiteTarget | ClusterTarget;

/** A target whose links can be read again. */
export type StoredLinkTarget = Exclude<LinkTarget, StreamTarget>;

interface AnyTarget {
  readonly redeemer: TokenRedeemer;
  readonly materializer: Materializer;
  readonly dataDir: string;
  /** Options of connections to services and routers. */
  readonly connection: CommandConnectionOptions;
  readonly platform: Settings['platform'];
  /** True if the command refuses a link whose private key the server generated. */
  readonly ownKey: boolean;
  /** Name of the proxy's Secret. */
  readonly proxyConfiguration?: string;
  readonly reloadCommand?: string;
  /** The written links, with their reload and records; absent if the command needs neither. */
  readonly location?: LinkLocation;
  /** Uid of the site, if there is one and it is known. */
  siteUid(): string | undefined;
  /** A sentence on how to renew the links in time, without a full stop. */
  readonly renewalHint: string;
}

/** A directory of Secret and Link files. */
export interface DirectoryTarget extends AnyTarget {
  readonly kind: 'directory';
  readonly directory: string;
}

/** Standard output. */
export interface StreamTarget extends AnyTarget {
  readonly kind: 'stream';
}

/** The input directory of a Podman, Docker or Linux site. */
export interface SystemSiteTarget extends AnyTarget {
  readonly kind: 'system-site';
  readonly site: RequestingSite;
  readonly namespace: string;
  readonly skupperHome: string;
  readonly directory: string;
  readonly location: LinkLocation;
}

/** A namespace of a Kubernetes cluster. */
export interface ClusterTarget extends AnyTarget {
  readonly kind: 'cluster';
  readonly cluster: RequestingCluster;
  readonly namespace: string;
  readonly location: LinkLocation;
}

/** Redeems tokens, accepts answer files, and finds the links of tokens that were redeemed. */
export interface TokenRedeemer {
  readonly redeem: Redeem;
  readonly accept: Accept;
  /** Returns the name of the Secret of a token's link if all its resources are written. */
  readonly findSecretName: (token: RedeemableToken) => string | undefined | Promise<string | undefined>;
}

/** Options of {@link openLinkTarget} that a command sets. */
export interface LinkTargetOptions {
  /** True if the command stores records of links; then a directory without a reload command has a `location` too. */
  readonly storesRecords: boolean;
  /** Aborts reading from standard input or a named pipe. */
  readonly signal?: AbortSignal;
  /** How long to wait for a concurrent run, in milliseconds. */
  readonly patienceMs?: () => number;
}

interface Opening {
  readonly flags: LinkTargetFlags;
  readonly settings: Settings;
  readonly proxy: LinkProxy | undefined;
  readonly connection: CommandConnectionOptions;
  readonly options: LinkTargetOptions;
}

/** Opens the target that flags and configuration name. Rejects with a CommandError for a flag that the target does not have. */
export async function openLinkTarget(
  flags: LinkTargetFlags,
  options: LinkTargetOptions,
): Promise<LinkTarget> {
  const { settings } = configurationFrom(flags);
  const proxy =
    flags.proxySecret === undefined ? undefined : await readProxySecret(flags.proxySecret, options.signal);
  const connection = connectionOptions(
    proxy && flags.proxy === undefined ? { ...flags, proxy: proxyUrl(proxy) } : flags,
  );
  const opening = { flags, settings, proxy, connection, options };
  if (settings.platform === 'kubernetes') return openCluster(opening);
  if (settings.platform !== 'standalone') return openSystemTarget(opening);
  requireStandaloneFlags(flags);
  return flags.to === '-' ? openStream(opening) : openDirectory(opening, nonRootDirectory('--to', flags.to));
}

function commonOf({ flags, settings, proxy, connection }: Opening) {
  const { dataDir, platform, ownKey } = settings;
  return {
    dataDir,
    platform,
    ownKey,
    connection,
    ...(proxy && { proxyConfiguration: proxy.name }),
    ...(flags.reloadCommand !== undefined && { reloadCommand: flags.reloadCommand }),
  };
}

function renewalBy(timer: string, flags: string): string {
  return `To renew it in time, let ${timer} run at least daily: linkgrant link renew --all ${flags}`;
}

function openStream(opening: Opening): StreamTarget {
  const { settings, connection } = opening;
  const redeemer = openTokenRedemption(settings.dataDir, connection);
  return {
    ...commonOf(opening),
    kind: 'stream',
    redeemer,
    materializer: streamMaterializer(deliver),
    siteUid: () => undefined,
    renewalHint: renewalBy('a timer', '--dir DIR'),
  };
}

function openDirectory(opening: Opening, directory: string): DirectoryTarget {
  const { flags, settings, proxy, connection, options } = opening;
  const redeemer = openTokenRedemption(settings.dataDir, connection);
  const location =
    flags.reloadCommand !== undefined || options.storesRecords
      ? redeemer.openLocation(directory, { proxy }, options.patienceMs)
      : undefined;
  return {
    ...commonOf(opening),
    kind: 'directory',
    redeemer,
    directory,
    materializer: location?.materializer ?? directoryMaterializer(directory, connection.clock, { proxy }),
    ...(location && { location }),
    siteUid: () => undefined,
    renewalHint: renewalBy('a timer', `--dir ${directory}`),
  };
}

function openSystemTarget(opening: Opening): SystemSiteTarget {
  const { flags, settings, proxy, connection, options } = opening;
  if (flags.to !== undefined) {
    throw usageError(
      '--to is for the standalone platform',
      "omit --to: the link is written into the site's input/resources",
    );
  }
  const { skupperHome, platform } = settings;
  const namespace = siteNamespace(settings);
  const site = openRequestingSite(skupperHome, namespace);
  requireSitePlatform(site, platform, namespace);
  const directory = site.inputResources;
  const redeemer = openTokenRedemption(settings.dataDir, connection);
  const location = redeemer.openLocation(directory, { namespace, proxy }, options.patienceMs);
  return {
    ...commonOf(opening),
    kind: 'system-site',
    redeemer,
    site,
    namespace,
    skupperHome,
    directory,
    location,
    materializer: location.materializer,
    siteUid: () => site.uid(),
    renewalHint: renewalBy('a timer', `-n ${namespace} -p ${platform}`),
  };
}

async function openCluster(opening: Opening): Promise<ClusterTarget> {
  const { flags, settings, proxy, connection } = opening;
  if (flags.to !== undefined) throw notForCluster('--to', "the link is written into the site's namespace");
  refuseReloadCommand(flags);
  const cluster = await openSettingsCluster(settings, connection);
  const location = cluster.openLocation(proxy);
  const { namespace } = cluster;
  return {
    ...commonOf(opening),
    kind: 'cluster',
    redeemer: cluster,
    cluster,
    namespace,
    location,
    materializer: location.materializer,
    siteUid: () => cluster.uid(),
    renewalHint: renewalBy('a timer or a CronJob', `-n ${namespace} -p kubernetes`),
  };
}

/** Opens the requesting side of the cluster and namespace in the settings. */
export async function openSettingsCluster(
  settings: Settings,
  connection = connectionOptions({}),
): Promise<RequestingCluster> {
  // Loaded only here: the Kubernetes client is large.
  const { openRequestingCluster } = await import('../../compose/kubernetes/requesting-cluster.js');
  return openRequestingCluster(settings, connection);
}

/** Throws a CommandError for `--reload-command` in a cluster. */
export function refuseReloadCommand({ reloadCommand }: Pick<LinkTargetFlags, 'reloadCommand'>): void {
  if (reloadCommand === undefined) return;
  throw notForCluster('--reload-command', "Skupper's controller loads a Link without a reload");
}

function notForCluster(flag: string, reason: string): CommandError {
  return usageError(`${flag} cannot be combined with --platform kubernetes`, `omit ${flag}: ${reason}`);
}

function requireStandaloneFlags(
  flags: LinkTargetFlags,
): asserts flags is LinkTargetFlags & { readonly to: string } {
  const { to, namespace, reloadCommand } = flags;
  if (to === undefined) {
    throw usageError(
      'no target for the link is given',
      'set --to to a directory (- for standard output), or --platform to kubernetes, podman, docker or linux',
    );
  }
  if (namespace !== undefined) {
    throw usageError(
      '--namespace needs a platform that has namespaces',
      'add --platform kubernetes, podman, docker or linux, or omit --namespace',
    );
  }
  if (to === '-' && reloadCommand !== undefined) {
    throw usageError('--reload-command cannot be combined with --to -', 'set --to to a directory');
  }
}

/**
 * Returns the absolute path of a directory. Throws a CommandError if it is empty or the root directory, and ConfigurationError if
 * this process is root and the directory belongs to another user.
 */
export function nonRootDirectory(flag: '--dir' | '--to', directory: string): string {
  if (directory === '') throw invalidValue(flag, directory, 'use the path of a directory');
  const path = resolve(directory);
  if (parsePath(path).root === path)
    throw usageError(`${flag} cannot be the root directory`, 'use another directory');
  refuseForeignDirectory(path);
  return path;
}

function requireSitePlatform(site: RequestingSite, requested: string, namespace: string): void {
  const used = site.platform();
  if (used === undefined || used === requested) return;
  throw usageError(
    `the site of namespace "${namespace}" runs on ${used}, not on ${requested}`,
    `use --platform ${used}, or another --namespace`,
  );
}
