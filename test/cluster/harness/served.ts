import { writeFileSync } from 'node:fs';
import { encodeAccessToken } from '../../../src/domain/access-token.js';
import { ACCESS_GRANTS, REDEMPTIONS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Stored } from '../../../src/platforms/kubernetes/api/resource.js';
import type {
  AccessGrantResource,
  AccessGrantSpec,
} from '../../../src/platforms/kubernetes/grants/access-grant-resource.js';
import {
  GRANT_UID,
  type RedemptionResource,
} from '../../../src/platforms/kubernetes/store/redemption-resource.js';
import type { Serving, Workplace } from '../../support/command-line.js';
import { freePort } from '../../support/free-port.js';
import { retryUntil } from '../../support/retry-until.js';
import { LINKGRANT } from './linkgrant-account.js';
import type { TestCluster } from './test-cluster.js';

/** Whether the arguments contain a flag that determines the service's address. */
export function hasAddressFlag(words: readonly string[]): boolean {
  return ['--external-url', '--secured-access', '--service'].some((flag) => words.includes(flag));
}

/** Starts the built service for a cluster. Its address is on 127.0.0.1, unless a flag in `words` determines the address. */
export async function serveCluster(
  workplace: Workplace,
  kubeconfig: string,
  ...words: readonly string[]
): Promise<Serving> {
  const port = await freePort();
  const address = hasAddressFlag(words) ? [] : ['--external-url', `https://127.0.0.1:${port}`];
  return workplace.serve([
    '--platform',
    'kubernetes',
    '--kubeconfig',
    kubeconfig,
    '--service-namespace',
    LINKGRANT,
    '--listen',
    `127.0.0.1:${port}`,
    '--ops-listen',
    '127.0.0.1:0',
    ...address,
    ...words,
  ]);
}

/** Creates an AccessGrant. */
export function createGrant(
  { admin }: TestCluster,
  namespace: string,
  name: string,
  spec: AccessGrantSpec = {},
): Promise<Stored<AccessGrantResource>> {
  return admin.create<AccessGrantResource>(ACCESS_GRANTS, {
    apiVersion: 'skupper.io/v2alpha1',
    kind: 'AccessGrant',
    metadata: { name, namespace },
    spec,
  });
}

/** Creates an AccessGrant, and returns it once its status is Ready. */
export async function readyGrant(
  cluster: TestCluster,
  namespace: string,
  name: string,
  spec: AccessGrantSpec = {},
): Promise<Stored<AccessGrantResource>> {
  await createGrant(cluster, namespace, name, spec);
  return retryUntil(`${name} to be Ready`, async () => {
    const grant = await cluster.admin.get<AccessGrantResource>(ACCESS_GRANTS, { namespace, name });
    return grant.status?.status === 'Ready' ? grant : undefined;
  });
}

/** The Redemptions of a grant. */
export async function redemptionsOf(
  { admin }: TestCluster,
  { namespace, uid }: { readonly namespace?: string; readonly uid: string },
): Promise<readonly Stored<RedemptionResource>[]> {
  const selection = { namespace, labelSelector: `${GRANT_UID}=${uid}` };
  return (await admin.listAll<RedemptionResource>(REDEMPTIONS, selection)).items;
}

/** Writes the token of a grant into a file. Returns its path. */
export function writeToken(workplace: Workplace, grant: Stored<AccessGrantResource>): string {
  const { url = '', code = '', ca = '' } = grant.status ?? {};
  const file = workplace.path(`token-${grant.metadata.uid}.yaml`);
  writeFileSync(file, encodeAccessToken({ name: grant.metadata.name, url, code, ca }), { mode: 0o600 });
  return file;
}
