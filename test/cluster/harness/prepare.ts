import { CONTROL_PLANE, clusterSource } from './cluster-source.js';
import { DeployTools } from './deploy-tools.js';
import { buildPrograms } from './go-programs.js';
import { prepareSharedControlPlanes, stopSharedControlPlanes } from './shared-control-plane.js';

/** Runs before every test file: finds out where the cluster and the tools come from, and compiles what has to be. */
export async function setup(): Promise<void> {
  const source = clusterSource(process.env);
  if (source.from === 'build') await buildPrograms(CONTROL_PLANE, source.directory);
  (await DeployTools.open()).close();
  prepareSharedControlPlanes();
}

/** Runs after every test file. */
export const teardown = stopSharedControlPlanes;
