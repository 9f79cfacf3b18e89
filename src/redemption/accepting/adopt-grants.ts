import { codeMatches } from '../../codes/opaque-code.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import { everyItem } from '../administration/every-item.js';
import type { Clock } from '../ports/clock.js';
import type { GrantStore } from '../ports/grant-store.js';
import type { Site } from '../ports/site.js';
import {
  createGrant,
  DEFAULT_EXPIRATION_WINDOW_MS,
  DEFAULT_REDEMPTIONS_ALLOWED,
  type GrantRequest,
  grantProblem,
  notBeforeProblem,
  redemptionsAllowedProblem,
} from './create-grant.js';
import { isSamePolicy } from './policy-settings.js';

/** A grant that a file declares. NaN stands for an invalid number or duration. */
export interface GrantDeclaration extends Omit<GrantRequest, 'sourceFile'> {
  /** Why the declaration is invalid; the end of a sentence about the file. */
  readonly problem?: string;
}

/** A file that declares grants, or why it cannot be read, as the end of a sentence about it. */
export type GrantFile = { readonly namespace: string; readonly file: string } & (
  | { readonly grants: readonly GrantDeclaration[] }
  | { readonly unreadable: string }
);

/** All declarations in the files of the served namespaces, from one scan. */
export interface DeclaredGrants {
  readonly files: readonly GrantFile[];
  /** Whether all files of a namespace were listed. Only then is a missing file known to be deleted. */
  isComplete(namespace: string): boolean;
}

/** The result of a declaration: `reason` says why it has no effect, or not yet. */
export interface Adoption {
  readonly outcome: 'adopted' | 'changed' | 'removed' | 'waiting' | 'unusable';
  readonly namespace: string;
  readonly file: string;
  /** Absent if the result is about the whole file. */
  readonly name?: string;
  readonly reason?: string;
}

interface Dependencies {
  readonly store: GrantStore;
  readonly site: Site;
  readonly clock: Clock;
}

/**
 * Creates, updates and deletes the store's grants as their files declare them. A declared grant is created once its site
 * provides access, and its window starts then. Changes of the file only affect its policy and its number of allowed
 * redemptions; uid, code, expiration time and count do not change. A grant that is no longer declared is deleted; its
 * redemptions stay. Other grants are not changed. Returns every result except for unchanged grants.
 */
export async function adoptGrants(declared: DeclaredGrants, deps: Dependencies): Promise<Adoption[]> {
  const adoptions: Adoption[] = [];
  const fileOfGrant = new Map<string, string>();
  for (const entry of declared.files) {
    const { namespace, file } = entry;
    if ('unreadable' in entry) {
      adoptions.push({ outcome: 'unusable', namespace, file, reason: entry.unreadable });
      continue;
    }
    for (const declaration of entry.grants) {
      const { name } = declaration;
      const key = `${namespace}/${name}`;
      const earlierFile = fileOfGrant.get(key);
      if (earlierFile === undefined) fileOfGrant.set(key, file);
      const outcome =
        earlierFile === undefined ? await adoptOne(declaration, file, deps) : duplicateOf(earlierFile);
      if (outcome) adoptions.push({ namespace, file, name, ...outcome });
    }
  }
  return [...adoptions, ...(await deleteUndeclared(declared, fileOfGrant, deps))];
}

/** Deletes grants that no file declares. Those of an unreadable file stay, because it may be half-written. */
async function deleteUndeclared(
  declared: DeclaredGrants,
  fileOfGrant: ReadonlyMap<string, string>,
  { store }: Dependencies,
): Promise<Adoption[]> {
  const unreadable = declared.files.filter((entry) => 'unreadable' in entry);
  const unreadableFiles = new Set(unreadable.map(({ namespace, file }) => `${namespace}/${file}`));
  const adoptions: Adoption[] = [];
  for (const { uid, namespace, name, sourceFile: file } of await grantsFromFiles(store)) {
    if (!declared.isComplete(namespace) || fileOfGrant.has(`${namespace}/${name}`)) continue;
    if (unreadableFiles.has(`${namespace}/${file}`)) continue;
    if (await store.deleteGrant(uid)) adoptions.push({ outcome: 'removed', namespace, file, name });
  }
  return adoptions;
}

type Outcome = Pick<Adoption, 'outcome' | 'reason'>;

function duplicateOf(file: string): Outcome {
  return { outcome: 'unusable', reason: `${file} declares a grant of the same name` };
}

async function adoptOne(
  declaration: GrantDeclaration,
  file: string,
  deps: Dependencies,
): Promise<Outcome | undefined> {
  const { namespace, name, issuer = null, policy = {}, problem } = declaration;
  const existing = await deps.store.findGrantByName(namespace, name);
  if (existing) return follow(existing, declaration, file, deps.store);
  const end = deps.clock() + (declaration.expirationWindowMs ?? DEFAULT_EXPIRATION_WINDOW_MS);
  const unusable = problem ?? grantProblem(declaration) ?? notBeforeProblem(policy, end);
  if (unusable !== undefined) return { outcome: 'unusable', reason: unusable };
  const access = await deps.site.resolveAccess({ namespace, name, issuer, policy });
  if ('refused' in access) return { outcome: 'waiting', reason: `${access.reason}; ${access.hint}` };
  // Without spec.code its code is not published; its tokens are signed.
  const created = await createGrant({ ...declaration, sourceFile: file }, true, deps);
  // A rejection now means that another process created it; the next run reads its grant.
  return 'rejected' in created ? undefined : { outcome: 'adopted' };
}

async function follow(
  grant: AccessGrant,
  declaration: GrantDeclaration,
  file: string,
  store: GrantStore,
): Promise<Outcome | undefined> {
  if (grant.sourceFile === null) {
    return {
      outcome: 'unusable',
      reason: 'a grant of that name was created by a command; it stays unchanged',
    };
  }
  const { code, redemptionsAllowed = DEFAULT_REDEMPTIONS_ALLOWED, policy = {} } = declaration;
  const unusable =
    declaration.problem ??
    redemptionsAllowedProblem(redemptionsAllowed) ??
    notBeforeProblem(policy, grant.expirationTime);
  if (unusable !== undefined)
    return { outcome: 'unusable', reason: `${unusable}; the grant stays unchanged` };
  const isSame =
    grant.redemptionsAllowed === redemptionsAllowed &&
    grant.sourceFile === file &&
    isSamePolicy(grant.policy, policy);
  if (!isSame && (await store.updateGrant(grant.uid, { redemptionsAllowed, policy, sourceFile: file }))) {
    return { outcome: 'changed' };
  }
  if (code === undefined || codeMatches(grant.codeHash, grant.uid, Buffer.from(code))) return undefined;
  return {
    outcome: 'unusable',
    reason: 'spec.code was changed, but the code of a grant cannot change: use another name',
  };
}

async function grantsFromFiles(store: GrantStore): Promise<(AccessGrant & { sourceFile: string })[]> {
  const declared = await everyItem((page) => store.listDeclaredGrants(page));
  return declared.flatMap(({ sourceFile, ...grant }) =>
    sourceFile === null ? [] : [{ ...grant, sourceFile }],
  );
}
