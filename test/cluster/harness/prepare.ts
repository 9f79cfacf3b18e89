import { buildPrograms, clusterSource } from './cluster-source.js';

/** Runs before every test file: finds out where the cluster comes from, and compiles it where it must be. */
export async function setup(): Promise<void> {
  const source = clusterSource(process.env);
  if (source.from === 'build') await buildPrograms(source);
}
