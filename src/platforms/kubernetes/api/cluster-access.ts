import { existsSync } from 'node:fs';
import type { Agent, OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { homeDirectory } from '../../../files/system-user.js';

/** The cluster, and the user to connect as. */
export interface ClusterOptions {
  /**
   * Paths of kubeconfig files, which are merged. If absent: `~/.kube/config` if it exists, else the service account of the
   * pod in which this process runs.
   */
  readonly kubeconfig?: readonly string[] | undefined;
  /** Context of the kubeconfig; its current one if absent. */
  readonly context?: string | undefined;
}

/** The configuration has no usable cluster or no usable credentials; `message` is the reason in one line. */
export class ClusterConfigError extends Error {
  override readonly name = 'ClusterConfigError';
}

/** The connection settings and credentials of a request to the API server. */
export interface ApiAccess {
  readonly server: URL;
  readonly agent: Agent;
  readonly headers: OutgoingHttpHeaders;
}

/** Access to a cluster's API server, with credentials that are refreshed. */
export interface ClusterAccess {
  /** Namespace of the context or of the pod. */
  readonly namespace: string | undefined;
  /** Returns credentials that were read at most half a minute ago; with `again` reads them again. */
  current(again?: boolean): Promise<ApiAccess>;
  close(): void;
}

const FRESH_MS = 30_000;
// Below the 90 s after which an API server closes an idle connection.
const IDLE_MS = 60_000;
// Further requests wait here instead of in the API server.
const MAX_CONNECTIONS = 64;

/** Reads the configuration. Rejects with ClusterConfigError. */
export async function openClusterAccess(options: ClusterOptions): Promise<ClusterAccess> {
  let config = await readConfig(options);
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    const name = config.getCurrentContext();
    throw new ClusterConfigError(name ? `context "${name}" does not name a cluster` : 'no context is set');
  }
  if (!URL.canParse(cluster.server)) {
    throw new ClusterConfigError(
      'there is no kubeconfig with a valid server URL, and this process does not run in a pod',
    );
  }
  let cached:
    | { readonly access: ApiAccess; readonly tlsMaterial: string; readonly until: number }
    | undefined;
  let reading: Promise<ApiAccess> | undefined;

  const read = async (again: boolean): Promise<ApiAccess> => {
    if (again && config.getCurrentUser()?.authProvider?.config?.tokenFile) config = await copyOf(config);
    const found: RequestOptions = { timeout: IDLE_MS };
    try {
      await config.applyToHTTPSOptions(found);
    } catch (error) {
      throw new ClusterConfigError('the credentials of the kubeconfig cannot be read', { cause: error });
    }
    const { ca, cert, key, headers = {}, auth } = found;
    const tlsMaterial = JSON.stringify([ca, cert, key].map((part) => String(part ?? '')));
    // The package creates an agent at each call, and a new agent opens new connections. So the previous one is reused until
    // the CA, the certificate or the key changes. Requests and watches on the old agent then continue; its idle connections
    // time out.
    const agent =
      cached?.tlsMaterial === tlsMaterial
        ? cached.access.agent
        : Object.assign(found.agent as Agent, { keepAlive: true, maxSockets: MAX_CONNECTIONS });
    const basic =
      typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
    const access: ApiAccess = {
      server: new URL(cluster.server),
      agent,
      headers: { ...(headers as OutgoingHttpHeaders), ...basic },
    };
    cached = { access, tlsMaterial, until: performance.now() + FRESH_MS };
    return access;
  };

  return {
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    current(again = false) {
      if (cached && !again && performance.now() < cached.until) return Promise.resolve(cached.access);
      reading ??= read(again).finally(() => {
        reading = undefined;
      });
      return reading;
    },
    close() {
      cached?.access.agent.destroy();
    },
  };
}

async function readConfig({ kubeconfig, context }: ClusterOptions): Promise<KubeConfig> {
  // The package is large, so commands without a cluster must not load it.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const defaultFile = join(homeDirectory(), '.kube', 'config');
  const files = kubeconfig ?? (existsSync(defaultFile) ? [defaultFile] : []);
  if (files.length === 0) config.loadFromCluster();
  for (const [index, file] of files.entries()) {
    try {
      if (index === 0) {
        config.loadFromFile(file);
        continue;
      }
      const more = new KubeConfig();
      more.loadFromFile(file);
      // As in kubectl, the first current context and the first entry of a name are used. The package rejects a second entry.
      more.clusters = newEntries(more.clusters, config.clusters);
      more.users = newEntries(more.users, config.users);
      more.contexts = newEntries(more.contexts, config.contexts);
      config.mergeConfig(more, Boolean(config.getCurrentContext()));
    } catch (error) {
      throw new ClusterConfigError(`the kubeconfig ${file} cannot be read`, { cause: error });
    }
  }
  if (context !== undefined) {
    if (!config.getContextObject(context)) {
      throw new ClusterConfigError(`the kubeconfig has no context "${context}"`);
    }
    config.setCurrentContext(context);
  }
  return config;
}

/**
 * Returns a copy of a configuration, for which the package reads the token file again. For the original it does so only after
 * a minute, measured with the system clock, which may be set back.
 */
async function copyOf({ clusters, users, contexts, currentContext }: KubeConfig): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const copy = new KubeConfig();
  copy.loadFromOptions({ clusters, users, contexts, currentContext });
  return copy;
}

/** The entries whose names are not in `present`. */
function newEntries<T extends { readonly name: string }>(entries: readonly T[], present: readonly T[]): T[] {
  return entries.filter(({ name }) => !present.some((entry) => entry.name === name));
}
