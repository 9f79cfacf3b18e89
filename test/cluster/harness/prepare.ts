import { CONTROL_PLANE, clusterSource } from './cluster-source.js';
import { DeployTools } from './deploy-tools.js';
import { buildPrograms } from './go-programs.js';
import { prepareSharedControlPlanes, stopSharedControlPlanes } from './shared-control-plane.js';

/** Runs once, before the first test file. Finds the sources of the cluster and the tools, and compiles missing programs. */
export async function setup(): Promise<void> {
  const source = clusterSource(process.env);
  if (source.from === 'build') await buildPrograms(CONTROL_PLANE, source.directory);
  (await DeployTools.open()).close();
  prepareSharedControlPlanes();
}

/** Runs once, after the last test file. */
export const teardown = stopSharedControlPlanes;
