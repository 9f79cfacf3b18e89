import type { ClusterInspector } from '../../compose/open-cluster-administration.js';
import { describeFailure } from '../terminal/failure.js';
import { type Check, fail, ok, warn } from './doctor-check.js';

/** Rights that are checked together: each a verb, an API group (empty for the core group) and a resource. */
export interface AskedRights {
  readonly name: string;
  /** Their purpose. */
  readonly what: string;
  readonly rights: readonly (readonly [verb: string, group: string, resource: string])[];
}

/** Checks that the user of this command has some rights; a missing one is a warning, not a failure of the cluster. */
export async function rightsCheck(
  inspector: ClusterInspector,
  { name, what, rights }: AskedRights,
): Promise<Check> {
  const missing = await inspector.missing(
    rights.map(([verb, group, resource]) => ({ verb, group, resource })),
  );
  if (missing.length === 0) return ok(name, `enough for ${what}`);
  const shown = missing.map(({ verb, group, resource }) => `${verb} ${resource}${group && `.${group}`}`);
  return warn(
    name,
    `not enough for ${what}: ${shown.join(', ')}`,
    'ask for a role that allows it, to run these commands yourself',
  );
}

/** Returns the checks of `run`, or a failed check if it cannot read the cluster. */
export async function checksOf(
  name: string,
  run: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await run();
  } catch (error) {
    const { message, hint = 'look at it with kubectl', exitCode } = describeFailure(error);
    return [fail(name, message, hint, exitCode)];
  }
}
