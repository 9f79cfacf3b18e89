import { codeMatches } from '../../codes/opaque-code.js';
import type { AccessGrant } from '../../domain/access-grant.js';
import { actorOf } from '../../domain/actor.js';
import type { Clock } from '../ports/clock.js';
import type { DatabaseStore } from '../ports/database-store.js';
import { everyItem } from '../ports/page.js';
import type { Site } from '../ports/site.js';
import { matchingProblem } from './check-policy.js';
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

/** A grant that a file declares. An invalid number or duration is NaN. */
export interface GrantDeclaration extends Omit<GrantRequest, 'sourceFile'> {
  /** Why the declaration is invalid, as the end of a sentence about the file. */
  readonly problem?: string;
}

/** A file that declares grants; `unreadable` is why it cannot be read, as the end of a sentence about the file. */
export type GrantFile = { readonly namespace: string; readonly file: string } & (
  | { readonly grants: readonly GrantDeclaration[] }
  | { readonly unreadable: string }
);

/** The files that declare grants, from one scan of the served namespaces. */
export interface DeclaredGrants {
  readonly files: readonly GrantFile[];
  /** True if all files of a namespace were listed. A file that is not listed was then deleted. */
  isComplete(namespace: string): boolean;
}

/** The result of a declaration. */
export interface Adoption {
  readonly outcome: 'adopted' | 'changed' | 'removed' | 'waiting' | 'unusable';
  readonly namespace: string;
  readonly file: string;
  /** Absent if the result is about the whole file. */
  readonly name?: string;
  /** Why the declaration is `unusable`, or what it is `waiting` for. */
  readonly reason?: string;
}

interface Dependencies {
  readonly store: DatabaseStore;
  readonly site: Site;
  readonly clock: Clock;
}

/**
 * Creates, updates and deletes grants in the store as files declare them. A declared grant is created, and its window starts,
 * when its site provides access. Later changes of the file only affect the policy and the number of allowed redemptions. A grant
 * that two runs in a row do not find in a file is deleted; its redemptions stay. Other grants are not changed. Returns the
 * results, without those of unchanged grants. `undeclared` has the uids of the grants that the run before did not find, and is
 * updated.
 */
export async function adoptGrants(
  declared: DeclaredGrants,
  deps: Dependencies,
  undeclared: Set<string>,
): Promise<Adoption[]> {
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
      if (earlierFile !== undefined) {
        const reason = `${earlierFile} declares a grant of the same name`;
        adoptions.push({ outcome: 'unusable', namespace, file, name, reason });
        continue;
      }
      fileOfGrant.set(key, file);
      const store = deps.store.actingAs(actorOf('file', file));
      const outcome = await adoptOne(declaration, file, { ...deps, store });
      if (outcome) adoptions.push({ namespace, file, name, ...outcome });
    }
  }
  return [...adoptions, ...(await deleteUndeclared(declared, fileOfGrant, deps, undeclared))];
}

/**
 * Deletes the declared grants that no file declares, neither in this run nor in the one before: a program that replaces a file
 * may remove it for a moment. Grants of an unreadable file stay: it may be half-written.
 */
async function deleteUndeclared(
  declared: DeclaredGrants,
  fileOfGrant: ReadonlyMap<string, string>,
  { store }: Dependencies,
  undeclared: Set<string>,
): Promise<Adoption[]> {
  const adoptions: Adoption[] = [];
  const before = new Set(undeclared);
  undeclared.clear();
  const grants = await everyItem((page) => store.listDeclaredGrants(page));
  for (const { uid, namespace, name, sourceFile: file } of grants) {
    if (file === null || !declared.isComplete(namespace) || fileOfGrant.has(`${namespace}/${name}`)) continue;
    const isUnreadable = declared.files.some(
      (entry) => 'unreadable' in entry && entry.namespace === namespace && entry.file === file,
    );
    if (isUnreadable) continue;
    if (!before.has(uid)) undeclared.add(uid);
    else if (await store.actingAs(actorOf('file', file)).deleteGrant(uid))
      adoptions.push({ outcome: 'removed', namespace, file, name });
  }
  return adoptions;
}

type Outcome = Pick<Adoption, 'outcome' | 'reason'>;

/** Creates or updates a grant; undefined if nothing changed. */
async function adoptOne(
  declaration: GrantDeclaration,
  file: string,
  deps: Dependencies,
): Promise<Outcome | undefined> {
  const { namespace, name, issuer = null, policy = {}, problem } = declaration;
  const existing = await deps.store.findGrantByName(namespace, name);
  if (existing) return updateDeclared(existing, declaration, file, deps.store);
  const expirationTime = deps.clock() + (declaration.expirationWindowMs ?? DEFAULT_EXPIRATION_WINDOW_MS);
  const reason = problem ?? grantProblem(declaration)?.problem ?? notBeforeProblem(policy, expirationTime);
  if (reason !== undefined) return { outcome: 'unusable', reason };
  const access = await deps.site.resolveAccess({ namespace, name, issuer, policy });
  if ('refused' in access) return { outcome: 'waiting', reason: `${access.reason}; ${access.hint}` };
  // Without spec.code the generated code is never published: the tokens of the grant have signed codes.
  const created = await createGrant({ ...declaration, sourceFile: file }, true, deps);
  // A problem now means that another process created it; the next run reads its grant.
  return 'problem' in created ? undefined : { outcome: 'adopted' };
}

async function updateDeclared(
  grant: AccessGrant,
  declaration: GrantDeclaration,
  file: string,
  store: DatabaseStore,
): Promise<Outcome | undefined> {
  if (grant.sourceFile === null) {
    return {
      outcome: 'unusable',
      reason: 'a grant of that name was created by a command; it stays unchanged',
    };
  }
  const { code, redemptionsAllowed = DEFAULT_REDEMPTIONS_ALLOWED, policy = {} } = declaration;
  const problem =
    declaration.problem ??
    redemptionsAllowedProblem(redemptionsAllowed) ??
    matchingProblem(policy) ??
    notBeforeProblem(policy, grant.expirationTime);
  if (problem !== undefined) return { outcome: 'unusable', reason: `${problem}; the grant stays unchanged` };
  const isSame =
    grant.redemptionsAllowed === redemptionsAllowed &&
    grant.sourceFile === file &&
    isSamePolicy(grant.policy, policy);
  const removedRules = Object.fromEntries(Object.keys(grant.policy).map((rule) => [rule, null]));
  const change = { redemptionsAllowed, policy: { ...removedRules, ...policy }, sourceFile: file };
  if (!isSame && (await store.updateGrant(grant.uid, change))) return { outcome: 'changed' };
  if (code === undefined || codeMatches(grant.codeHash, grant.uid, Buffer.from(code))) return undefined;
  return {
    outcome: 'unusable',
    reason: 'spec.code was changed, but the code of a grant cannot change: use another name',
  };
}
