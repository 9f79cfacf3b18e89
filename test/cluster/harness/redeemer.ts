import { resolve } from 'node:path';
import { LEASES } from '../../../src/platforms/kubernetes/api/kinds.js';
import { type RunOptions, type Serving, startUntilReady } from '../../support/command-line.js';
import type { TestCluster } from './test-cluster.js';

const KILLED_AT = resolve(import.meta.dirname, '../../chaos/killed-at.mjs');

/** The namespace of the shipped redeemer, which is also the name of its service account. */
export const REDEEMER = 'linkgrant-redeemer';

/** How the program is run: killed at a checkpoint, under a moved clock, with more flags. */
export interface RedeemerOptions extends Pick<RunOptions, 'cgroup'> {
  readonly killedAt?: string;
  readonly clockOffsetMs?: number;
  readonly words?: readonly string[];
  /** Networks that tokens may lead to; only that of this machine by default. */
  readonly networks?: readonly string[];
  /** Namespace of the redeemer; that of the shipped manifests by default. */
  readonly ownNamespace?: string;
  /** Environment variables that replace the flags of the platform and the controllers. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The built program that redeems AccessTokens, in a process of its own. */
export interface Redeemer extends Pick<Serving, 'said' | 'ended' | 'opsPort'> {
  /** Lines of its log, parsed; only those about `namespace` if it is given. */
  log(namespace?: string): { readonly event?: string; readonly [key: string]: unknown }[];
  /** Sends a signal, by default SIGKILL, and resolves when the process has ended. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<{ readonly code: number | null }>;
}

/**
 * Starts the redeemer with the platform and the controllers of the shipped Deployment. Its tokens may lead to 127.0.0.0/8.
 * Resolves once it prints that it redeems.
 */
export async function startRedeemer(kubeconfig: string, options: RedeemerOptions = {}): Promise<Redeemer> {
  const {
    killedAt = 'none',
    clockOffsetMs = 0,
    words = [],
    networks = ['127.0.0.0/8'],
    ownNamespace = REDEEMER,
    ...runOptions
  } = options;
  const platform = ['--platform', 'kubernetes', '--controllers', 'accesstoken', '--no-redemption'];
  const flags = [
    ...(runOptions.env ? [] : platform),
    ...['--kubeconfig', kubeconfig, '--service-namespace', ownNamespace, '--ops-listen', '127.0.0.1:0'],
    ...networks.flatMap((network) => ['--token-network', network]),
  ];
  const { child, said, ended } = await startUntilReady([...flags, ...words], {
    main: [KILLED_AT, killedAt, String(clockOffsetMs)],
    ...runOptions,
    env: { UV_THREADPOOL_SIZE: '96', ...runOptions.env },
  });
  const [, port] = /health and metrics on port (\d+)$/m.exec(said.stdout) ?? [];
  return {
    said,
    log: (namespace) =>
      said.stderr
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line))
        .filter((line) => namespace === undefined || line.namespace === namespace),
    opsPort: Number(port),
    ended,
    stop(signal = 'SIGKILL') {
      child.kill(signal);
      return ended;
    },
  };
}

/** Deletes the Lease of a killed redeemer, which would otherwise expire after 15 seconds. */
export async function endLead({ admin }: TestCluster): Promise<void> {
  await admin.delete(LEASES, { namespace: REDEEMER, name: 'linkgrant-tokens' });
}
