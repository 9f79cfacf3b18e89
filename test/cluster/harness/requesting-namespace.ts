import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { openRequestingCluster } from '../../../src/compose/kubernetes/requesting-cluster.js';
import { type AccessToken, encodeAccessToken } from '../../../src/domain/access-token.js';
import { LINKS, SECRETS, SITES } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import type { SecretResource } from '../../../src/platforms/kubernetes/requesting/namespace-target.js';
import { runProcess } from '../../chaos/commands.js';
import { type Ended, linkgrant } from '../../support/command-line.js';
import type { AccessRule, TestCluster } from './test-cluster.js';

const JOB = resolve(import.meta.dirname, '../../../deploy/bootstrap/job.yaml');

/** A Link as the API has it. */
export type LinkResource = Resource & {
  readonly spec: { readonly endpoints: object[]; readonly tlsCredentials: string; readonly cost?: number };
};

/** The namespace of a site that links to others. Commands run there by default with the role of the bootstrap Job. */
export interface RequestingNamespace {
  readonly namespace: string;
  readonly kubeconfig: string;
  readonly siteUid: string;
  /** Runs a command with `--platform kubernetes` there. */
  run(words: readonly string[], input?: string): Promise<Ended>;
  /** Runs a command of the built program that is killed at a checkpoint. Returns false if it was not killed. */
  killedAt(checkpoint: string, words: readonly string[]): Promise<boolean>;
  /** The requesting side in this process. */
  side(): ReturnType<typeof openRequestingCluster>;
  /** Writes a token to a file. Returns its path. */
  tokenFile(token: AccessToken): string;
  links(): Promise<readonly LinkResource[]>;
  secrets(): Promise<readonly SecretResource[]>;
  remove(): void;
}

/** The resources of `deploy/bootstrap/job.yaml`. */
export const bootstrapResources = () =>
  parseAllDocuments(readFileSync(JOB, 'utf8')).map((document) => document.toJS());

/** The rules of the Role in `deploy/bootstrap/job.yaml`. */
export const bootstrapRules = (): readonly AccessRule[] =>
  bootstrapResources().find(({ kind }) => kind === 'Role').rules;

/** Creates a RequestingNamespace, by default with a Ready Site. */
export async function requestingNamespace(
  cluster: TestCluster,
  options: { readonly withoutSite?: boolean; readonly rules?: readonly AccessRule[] } = {},
): Promise<RequestingNamespace> {
  const { admin } = cluster;
  const namespace = await cluster.namespace();
  const account = await cluster.serviceAccount(namespace, []);
  await cluster.allow(account, options.rules ?? bootstrapRules());
  const { kubeconfig } = account;
  const siteUid = options.withoutSite ? '' : await putRequestingSite(cluster, namespace);
  const scratch = mkdtempSync(join(tmpdir(), 'linkgrant-namespace-'));
  const place = ['--platform', 'kubernetes', '--kubeconfig', kubeconfig, '--namespace', namespace];
  return {
    namespace,
    kubeconfig,
    siteUid,
    run: (words, input) => linkgrant([...words, ...place], input === undefined ? {} : { input }),
    killedAt: async (killedAt, words) =>
      (await runProcess([...words, ...place], { killedAt })).signal === 'SIGKILL',
    side: () =>
      openRequestingCluster(
        { kubeconfig: [kubeconfig], context: undefined, namespace },
        { clock: Date.now, checkpoint: () => undefined },
      ),
    tokenFile: (token) => {
      const file = join(scratch, `${token.name}.yaml`);
      writeFileSync(file, encodeAccessToken(token), { mode: 0o600 });
      return file;
    },
    links: async () => (await admin.listAll<LinkResource>(LINKS, { namespace })).items,
    secrets: async () => (await admin.listAll<SecretResource>(SECRETS, { namespace })).items,
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

/** Creates a Ready Site in a namespace. Returns its uid. */
export async function putRequestingSite(
  { admin }: TestCluster,
  namespace: string,
  name = 'east',
): Promise<string> {
  const site = await admin.create(SITES, {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'Site',
    metadata: { name, namespace },
    spec: {},
  } as Resource);
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: 'OK',
    lastTransitionTime: new Date().toISOString(),
  };
  const status = { status: 'Ready', message: 'OK', conditions: [condition] };
  await admin.patch(SITES, { namespace, name }, { status }, { subresource: 'status' });
  return site.metadata.uid;
}

/** Writes the status of a Link as Skupper's controller does: configured, and connected if `isUp`. */
export async function writeLinkStatus(
  { admin }: TestCluster,
  namespace: string,
  name: string,
  isUp: boolean,
): Promise<void> {
  const lastTransitionTime = new Date().toISOString();
  const condition = (type: string, holds: boolean, message: string) => ({
    type,
    status: holds ? 'True' : 'False',
    reason: holds ? 'Ready' : 'Pending',
    message,
    lastTransitionTime,
  });
  const message = isUp ? 'OK' : 'Not Operational';
  const conditions = [
    condition('Configured', true, 'OK'),
    condition('Operational', isUp, isUp ? 'OK' : 'Not operational'),
    condition('Ready', isUp, message),
  ];
  const status = {
    status: isUp ? 'Ready' : 'Pending',
    message,
    conditions,
    remoteSiteName: isUp ? 'west' : '',
    remoteSiteId: isUp ? 'the-uid-of-west' : '',
  };
  await admin.patch(LINKS, { namespace, name }, { status }, { subresource: 'status' });
}
