import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { LEASES } from '../../../src/platforms/kubernetes/api/kinds.js';
import { BARE_ENVIRONMENT } from '../../support/command-line.js';
import type { MemoryCgroup } from '../../support/memory-cgroup.js';
import { refuseSecrets } from '../../support/no-secret.js';
import type { TestCluster } from './test-cluster.js';

const KILLED_AT = resolve(import.meta.dirname, '../../chaos/killed-at.mjs');

/** Name of the namespace, and of the account in it, that the shipped redeemer has. */
export const REDEEMER = 'linkgrant-redeemer';

/** How the program is run: killed at a checkpoint, under a moved clock, with more flags. */
export interface RedeemerOptions {
  readonly killedAt?: string;
  readonly clockOffsetMs?: number;
  readonly words?: readonly string[];
  /** Networks that tokens may lead to; only that of this machine by default. */
  readonly networks?: readonly string[];
  /** Namespace of the redeemer; that of the shipped manifests by default. */
  readonly ownNamespace?: string;
  /** Environment variables that replace the flags of the platform and the controllers. */
  readonly env?: Readonly<Record<string, string>>;
  /** The memory cgroup that the program runs in from its start. */
  readonly cgroup?: Pick<MemoryCgroup, 'procsFile'>;
}

/** The built program that redeems AccessTokens, in a process of its own. */
export interface Redeemer {
  /** What it wrote so far. */
  readonly said: { readonly stdout: string; readonly stderr: string };
  /** Lines of its log, parsed; only those about `namespace` if it is given. */
  log(namespace?: string): { readonly event?: string; readonly [key: string]: unknown }[];
  /** Base URL of health and metrics. */
  readonly operations: string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Sends a signal, by default SIGKILL, and resolves when the process has ended. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<{ readonly code: number | null }>;
}

/** Starts it with the shipped flags, for tokens that lead to 127.0.0.1; resolves once it says that it redeems. */
export async function startRedeemer(kubeconfig: string, options: RedeemerOptions = {}): Promise<Redeemer> {
  const { killedAt = 'none', clockOffsetMs = 0, words = [], networks = ['127.0.0.0/8'] } = options;
  const { env, ownNamespace = REDEEMER, cgroup } = options;
  const what = ['--platform', 'kubernetes', '--controllers', 'accesstoken', '--no-redemption'];
  const flags = [
    ...['serve', ...(env ? [] : what)],
    ...['--kubeconfig', kubeconfig, '--service-namespace', ownNamespace, '--ops-listen', '127.0.0.1:0'],
    ...networks.flatMap((network) => ['--token-network', network]),
  ];
  const args = [KILLED_AT, killedAt, String(clockOffsetMs), ...flags, ...words];
  const cgroupShell = cgroup ? ['sh', '-c', 'echo $$ > "$0" && exec "$@"', cgroup.procsFile] : [];
  const [command = '', ...before] = [...cgroupShell, process.execPath];
  const child: ChildProcess = spawn(command, [...before, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...BARE_ENVIRONMENT, ...env },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const ended = once(child, 'close').then(([code, signal]) => {
    refuseSecrets(said.stdout + said.stderr);
    return { code, signal } as { code: number | null; signal: NodeJS.Signals | null };
  });
  await new Promise<void>((settle, reject) => {
    child.stdout?.on('data', () => /^Next:/m.test(said.stdout) && settle());
    ended.then(({ code }) => reject(new Error(`it ended with ${code}: ${said.stderr}`)));
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
    operations: `http://127.0.0.1:${port}`,
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
