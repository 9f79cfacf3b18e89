import type { ClusterInspector } from '../../compose/open-cluster-administration.js';
import { describeFailure } from '../terminal/failure.js';
import { type Check, fail, ok, warn } from './doctor-check.js';

/** Rights that are checked together: each a verb, an API group (empty for the core one), and a resource. */
export interface AskedRights {
  readonly name: string;
  /** Their purpose. */
  readonly what: string;
  readonly rights: readonly (readonly [verb: string, group: string, resource: string])[];
}

/** Checks that the user of this command has some rights; a missing one is a warning, not a failure of the cluster. */
export async function rightsCheck(
  sights: ClusterInspector,
  { name, what, rights }: AskedRights,
): Promise<Check> {
  const missing = await sights.missing(rights.map(([verb, group, resource]) => ({ verb, group, resource })));
  if (missing.length === 0) return ok(name, `enough for ${what}`);
  const shown = missing.map(({ verb, group, resource }) => `${verb} ${resource}${group && `.${group}`}`);
  return warn(
    name,
    `not enough for ${what}: ${shown.join(', ')}`,
    'ask for a role that allows it, to run these commands yourself',
  );
}

/** The checks of `look`, or a failed check if it cannot read the cluster. */
export async function looked(name: string, look: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await look();
  } catch (error) {
    const { message, hint = 'look at it with kubectl', exitCode } = describeFailure(error);
    return [fail(name, message, hint, exitCode)];
  }
}
