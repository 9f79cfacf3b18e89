import { existsSync } from 'node:fs';
import { join, parse as parsePath, resolve } from 'node:path';
import type { ClusterSide } from '../../compose/cluster-side.js';
import {
  type LinkPlace,
  openRequestingSide,
  openRequestingSite,
  type Redeem,
  type RequestingSite,
} from '../../compose/requesting-side.js';
import type { Settings } from '../../config/setting-schemas.js';
import type { AccessToken } from '../../domain/access-token.js';
import { readBoundedText } from '../../files/bounded-text.js';
import type { Checkpoint, Clock } from '../../redemption/ports/clock.js';
import type { Materializer } from '../../redemption/ports/materializer.js';
import { openClusterTarget } from '../terminal/cluster-target.js';
import { CommandError } from '../terminal/command-error.js';
import { anyConfigurationFrom } from '../terminal/configuration.js';
import { type ConnectionFlags, connectionOptions } from '../terminal/connection-flags.js';
import { writeOut } from '../terminal/write-out.js';
import {
  type ProxySecret,
  parseProxySecret,
  proxySecretText,
  proxyUrl,
  readProxySecret,
} from './proxy-secret.js';
import { siteNamespace } from './site-namespace.js';

/** The flags that say where links go and how they get into use. */
export interface LinkTargetFlags extends ConnectionFlags {
  /** A directory, or `-` for standard output; only without a platform of Skupper's. */
  readonly to?: string;
  readonly platform?: string;
  readonly namespace?: string;
  readonly skupperHome?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly reloadCommand?: string;
  readonly proxySecret?: string;
  readonly ownKey?: boolean;
  readonly dataDir?: string;
  readonly config?: string;
}

/** Where a command puts links. */
export interface LinkTarget {
  readonly side: Redeeming;
  readonly dataDir: string;
  /** How this side connects. */
  readonly connection: ReturnType<typeof connectionOptions>;
  readonly platform: Settings['platform'];
  /** The site on this machine; absent on the standalone platform and on kubernetes. */
  readonly site?: RequestingSite;
  /** On kubernetes. */
  readonly cluster?: ClusterSide;
  readonly namespace?: string;
  /** Skupper's data directory, where there is a site. */
  readonly skupperHome?: string;
  /** Absent for standard output, and on kubernetes. */
  readonly directory?: string;
  /** Where the links are, with their reload; absent for standard output, and where nothing is to be reloaded. */
  readonly place?: LinkPlace;
  readonly materializer: Materializer;
  /** Whether a link is refused whose private key the server generated. */
  readonly ownKey: boolean;
  /** Name of the proxy's Secret. */
  readonly proxyConfiguration?: string;
  readonly reloadCommand?: string;
}

/** What redeems a token, and finds its link again. */
export interface Redeeming {
  readonly redeem: Redeem;
  /** Name of the Secret that a token's link was put in place under, whole. */
  readonly findPlacedName: (token: AccessToken) => string | undefined | Promise<string | undefined>;
}

export interface CommandContext {
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
}

/**
 * The target that flags and configuration name. With `reloads` a standalone directory has a place too when no reload
 * command is given, because the command that asks remembers what it did there. Until `signal` aborts a pipe is waited for,
 * and a run beside this one for `patienceMs()`.
 */
export async function openLinkTarget(
  flags: LinkTargetFlags,
  context: CommandContext,
  options: {
    readonly reloads: boolean;
    readonly signal?: AbortSignal;
    readonly patienceMs?: () => number;
  },
): Promise<LinkTarget> {
  const { dataDir, config, platform, skupperHome, namespace: asked, kubeconfig, context: cluster } = flags;
  const { ownKey } = flags;
  const ofCluster = {
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(cluster !== undefined && { context: cluster }),
  };
  const { settings } = anyConfigurationFrom({
    dataDir,
    config,
    platform,
    skupperHome,
    namespace: asked,
    ...(ownKey !== undefined && { ownKey }),
    ...ofCluster,
  });
  const { proxySecret } = flags;
  const proxy = proxySecret === undefined ? undefined : await readProxySecret(proxySecret, options.signal);
  const connection = connectionOptions(
    proxy && flags.proxy === undefined ? { ...flags, proxy: proxyUrl(proxy) } : flags,
  );
  if (settings.platform === 'kubernetes') {
    return openClusterTarget(flags, settings, { proxy, connection }, context);
  }
  const side = openRequestingSide(settings.dataDir, { ...connection, ...context });
  const common = {
    side,
    dataDir: settings.dataDir,
    connection,
    platform: settings.platform,
    ownKey: settings.ownKey,
    ...(proxy && { proxyConfiguration: proxy.name }),
    ...(flags.reloadCommand !== undefined && { reloadCommand: flags.reloadCommand }),
  };
  if (settings.platform === 'standalone') {
    const directory = standaloneDirectory(flags);
    if (directory === undefined) return { ...common, materializer: side.toStream(writeOut) };
    const placing = { besides: proxyBeside(directory, proxy, undefined) };
    if (flags.reloadCommand === undefined && !options.reloads) {
      return { ...common, directory, materializer: side.toDirectory(directory, placing) };
    }
    const place = side.place(directory, placing, options.patienceMs);
    return { ...common, directory, place, materializer: place.materializer };
  }
  refuseDirectory(flags);
  const namespace = siteNamespace(settings);
  const site = openRequestingSite(settings.skupperHome, namespace);
  requirePlatform(site, settings.platform, namespace);
  const directory = site.inputResources;
  const besides = proxyBeside(directory, proxy, namespace);
  const place = side.place(directory, { namespace, besides }, options.patienceMs);
  const { skupperHome: home } = settings;
  return {
    ...common,
    namespace,
    skupperHome: home,
    site,
    directory,
    place,
    materializer: place.materializer,
  };
}

function standaloneDirectory({ to, namespace, reloadCommand }: LinkTargetFlags): string | undefined {
  if (to === undefined) {
    throw new CommandError('nothing says where the link goes', {
      exitCode: 2,
      hint: 'name a directory with --to (- for standard output), or the site with --platform kubernetes, podman, docker or linux',
    });
  }
  if (namespace !== undefined) {
    throw new CommandError('--namespace needs a platform that has namespaces', {
      exitCode: 2,
      hint: 'add --platform kubernetes, podman, docker or linux, or leave it out',
    });
  }
  if (to === '-') {
    if (reloadCommand === undefined) return undefined;
    throw new CommandError('--reload-command has nothing to reload after --to -', {
      exitCode: 2,
      hint: 'name a directory with --to',
    });
  }
  if (parsePath(resolve(to)).root === resolve(to)) {
    throw new CommandError('--to cannot be the root directory', {
      exitCode: 2,
      hint: 'name a directory for the two files',
    });
  }
  return resolve(to);
}

function refuseDirectory({ to }: LinkTargetFlags): void {
  if (to === undefined) return;
  throw new CommandError('--to is for the standalone platform', {
    exitCode: 2,
    hint: "leave it out: the link goes into the site's input/resources",
  });
}

function requirePlatform(site: RequestingSite, wanted: string, namespace: string): void {
  const used = site.platform();
  if (used === undefined || used === wanted) return;
  throw new CommandError(`the site of namespace "${namespace}" runs on ${used}, not on ${wanted}`, {
    exitCode: 2,
    hint: `use --platform ${used}, or another --namespace`,
  });
}

/** The proxy's Secret, unless one that says the same is in the directory already. */
function proxyBeside(directory: string, proxy: ProxySecret | undefined, namespace: string | undefined) {
  if (!proxy) return undefined;
  const file = join(directory, `Secret-${proxy.name}.yaml`);
  const there = existsSync(file) ? parseProxySecret(readBoundedText(file)) : undefined;
  if (there !== undefined && JSON.stringify(there) === JSON.stringify(proxy)) return undefined;
  return { name: proxy.name, text: proxySecretText(proxy, namespace) };
}
