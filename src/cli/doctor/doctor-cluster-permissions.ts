import type { ClusterInspector } from '../../compose/open-cluster-administration.js';
import { describeFailure } from '../terminal/failure.js';
import { type Check, fail, ok, warn } from './doctor-check.js';

/** Permissions that are checked together: each a verb, an API group (empty for the core group) and a resource. */
export interface RequiredPermissions {
  readonly name: string;
  /** The commands that need them. */
  readonly commands: string;
  readonly permissions: readonly (readonly [verb: string, group: string, resource: string])[];
}

/** Checks that the user of this command has the permissions; a missing one is a warning, because the cluster works. */
export async function checkPermissions(
  inspector: ClusterInspector,
  { name, commands, permissions }: RequiredPermissions,
): Promise<Check> {
  const missing = await inspector.missingRights(
    permissions.map(([verb, group, resource]) => ({ verb, group, resource })),
  );
  if (missing.length === 0) return ok(name, `sufficient for ${commands}`);
  const missingList = missing.map(
    ({ verb, group, resource }) => `${verb} ${resource}${group && `.${group}`}`,
  );
  return warn(
    name,
    `not sufficient for ${commands}, missing: ${missingList.join(', ')}`,
    'to run these commands, request a Role with these permissions',
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
    const { message, hint = 'check it with kubectl', exitCode } = describeFailure(error);
    return [fail(name, message, hint, exitCode)];
  }
}
