import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MAIN, PROJECT } from '../../support/programs.js';
import { directoryForFile, releaseAfterFile } from '../../support/release.js';
import { DeployTools } from '../harness/deploy-tools.js';
import { openTestCluster } from '../harness/test-cluster.js';

const cluster = releaseAfterFile(await openTestCluster());
const tools = releaseAfterFile(await DeployTools.open());
const directory = directoryForFile();
// npm installs the commands of a package as symbolic links, too.
for (const name of ['kubectl-linkgrant', 'kubectl_complete-linkgrant']) {
  symlinkSync(MAIN, join(directory, name));
}

/** Runs a shell command with the plugin in the PATH. Returns its standard output. */
const shell = (line: string) =>
  tools.shell([`PATH='${directory}':"$PATH"`, line], { kubeconfig: cluster.kubeconfig, cwd: PROJECT });

it('kubectl finds the plugin, calls it, and lists it without a warning', async () => {
  expect(await shell('kubectl linkgrant --help')).toMatch(/^Usage: kubectl linkgrant /m);
  const listed = await shell('kubectl plugin list 2>&1');
  expect(listed).toContain(join(directory, 'kubectl-linkgrant'));
  expect(listed).not.toMatch(/warning|overshadowed/);
});

it('kubectl completes the commands and flags of the plugin', async () => {
  expect(await shell('kubectl __complete linkgrant gr 2>/dev/null')).toBe('grant\n:4\n');
  expect(await shell('kubectl __complete linkgrant grant list --all 2>/dev/null')).toBe(
    '--all-namespaces\n:4\n',
  );
});

it('the plugin works in the cluster and the namespace of kubectl', async () => {
  const namespace = await cluster.namespace();
  const grant = `{"apiVersion":"skupper.io/v2alpha1","kind":"AccessGrant","metadata":{"name":"hub","namespace":"${namespace}"},"spec":{}}`;
  await shell(`echo '${grant}' | kubectl apply -f -`);
  const listed = await shell(`kubectl linkgrant grant list -n ${namespace} -o json`);
  expect(JSON.parse(listed)).toMatchObject([{ name: 'hub', namespace }]);
});
