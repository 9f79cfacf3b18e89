import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REDEMPTIONS } from '../../../src/platforms/kubernetes/api/kinds.js';
import type { Resource } from '../../../src/platforms/kubernetes/api/resource.js';
import { codeLines, readProjectFile, sectionsOf } from '../../docs/document.js';
import { releaseAfterFile } from '../../support/release.js';
import { openAcceptingNamespace } from '../harness/accepting-namespace.js';
import { DeployTools } from '../harness/deploy-tools.js';
import { serveCluster } from '../harness/served.js';

const { cluster, workplace, account, west } = await openAcceptingNamespace();
const tools = releaseAfterFile(await DeployTools.open());
await serveCluster(workplace, account.kubeconfig);

it('docs/tutorials/kubernetes-hub.md shows commands that link a site and revoke the link', async () => {
  const east = await cluster.namespace();
  const tutorial = readProjectFile('docs/tutorials/kubernetes-hub.md')
    .replaceAll('-n west', `-n ${west.namespace}`)
    .replaceAll('-n east', `-n ${east}`);
  const [site = '', grant = ''] = [...tutorial.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    ([, yaml = '']) => yaml,
  );
  writeFileSync(workplace.path('site.yaml'), site.replace('namespace: west', `namespace: ${east}`));
  writeFileSync(
    workplace.path('grant.yaml'),
    grant.replace('namespace: west', `namespace: ${west.namespace}`),
  );

  // Steps 1 to 3 need a registry and Skupper's controller. The accepting site is recorded.
  const commands = sectionsOf(tutorial)
    .filter(({ heading }) => /^[4-7]\. /.test(heading))
    .flatMap(({ text }) => codeLines(text, 'text'))
    .filter((line) => !line.startsWith('kubectl config use-context'))
    .map((line) =>
      line.replace('redemption NAME', `$(kubectl -n ${west.namespace} get redemptions -o name)`),
    );
  expect(commands.length).toBeGreaterThan(6);
  const options = { kubeconfig: cluster.kubeconfig, cwd: workplace.path('.') };
  await tools.shell(['kubectl apply -f site.yaml', ...commands], options);

  const { items } = await cluster.admin.listAll<Resource & { spec: object }>(REDEMPTIONS, west);
  expect(items.map(({ spec }) => spec)).toEqual([expect.objectContaining({ revoked: true })]);
});
