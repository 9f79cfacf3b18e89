import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseDuration } from '../../domain/duration.js';
import type { GrantPolicy } from '../../domain/policy.js';
import { asMapping, isMapping } from '../../files/yaml-documents.js';
import type { DeclaredGrants, GrantDeclaration, GrantFile } from '../../redemption/accepting/adopt-grants.js';
import { parsePolicySettings } from '../../redemption/accepting/policy-settings.js';
import { listResourceFiles, type ResourceFile, readResourceFile } from '../files/resource-files.js';
import type { SkupperHome } from './skupper-home.js';

const GRANT_FILE = /^AccessGrant-/;
const API_VERSION = 'skupper.io/v2alpha1';

/** Reads the grants that the `AccessGrant-*.yaml` files in `input/resources` declare, in namespace `served` or in all. */
export function readGrantFiles(home: SkupperHome, served: string | undefined): DeclaredGrants {
  const namespaces = home.namespaces().filter((namespace) => served === undefined || namespace === served);
  const incomplete = new Set<string>();
  const files = namespaces.flatMap((namespace) => {
    try {
      return listResourceFiles(home.namespace(namespace).inputResources)
        .filter((file) => GRANT_FILE.test(basename(file)))
        .flatMap((file) => readGrantFile(namespace, file));
    } catch {
      incomplete.add(namespace);
      return [];
    }
  });
  // If the volume is not mounted, its grants are unknown, not removed.
  const isMounted = existsSync(join(home.directory, 'namespaces'));
  return {
    files,
    isComplete: (namespace) =>
      isMounted && !incomplete.has(namespace) && (served === undefined || served === namespace),
  };
}

/** True if the file that declared a grant still exists. */
export function grantFileExists(home: SkupperHome, namespace: string, file: string): boolean {
  return existsSync(join(home.namespace(namespace).inputResources, file));
}

function readGrantFile(namespace: string, path: string): GrantFile[] {
  const file = basename(path);
  try {
    const grants = readResourceFile(path).filter(({ kind }) => kind === 'AccessGrant');
    // Many programs empty a file before they rewrite it. That must not delete the grant and its count of spent uses.
    if (grants.length === 0) return [{ namespace, file, unreadable: 'it contains no AccessGrant' }];
    return [{ namespace, file, grants: grants.map((grant) => readDeclaration(namespace, grant)) }];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    return [{ namespace, file, unreadable: code === undefined ? message : `it cannot be read (${code})` }];
  }
}

function readDeclaration(namespace: string, { name, resource }: ResourceFile): GrantDeclaration {
  const spec = asMapping(resource.spec);
  const { code, issuer, expirationWindow, redemptionsAllowed } = spec;
  const policy = readPolicy(spec.settings);
  const otherVersion = versionProblem(resource.apiVersion);
  return {
    namespace,
    name,
    // In Skupper 0 means the default.
    ...(redemptionsAllowed !== undefined &&
      redemptionsAllowed !== null &&
      redemptionsAllowed !== 0 && { redemptionsAllowed: asNumber(redemptionsAllowed) }),
    ...(isSet(expirationWindow) && {
      expirationWindowMs: parseDuration(String(expirationWindow)) ?? Number.NaN,
    }),
    ...(isSet(issuer) && { issuer: String(issuer) }),
    ...(isSet(code) && { code: typeof code === 'string' ? code : '' }),
    ...('problem' in policy ? policy : { policy }),
    ...(isSet(code) && typeof code !== 'string' && { problem: 'spec.code is not a string: quote it' }),
    ...(otherVersion !== undefined && { problem: otherVersion }),
  };
}

function versionProblem(apiVersion: unknown): string | undefined {
  if (!isSet(apiVersion)) return 'it has no apiVersion';
  return apiVersion === API_VERSION ? undefined : `its apiVersion is not ${API_VERSION}`;
}

function readPolicy(settings: unknown): GrantPolicy | { readonly problem: string } {
  if (!isSet(settings)) return {};
  // Unreadable settings may contain a rule, so the grant is refused.
  const read = isMapping(settings) ? parsePolicySettings(settings) : { problem: 'is not a map' };
  return 'problem' in read ? { problem: `spec.settings: ${read.problem}` } : read;
}

function asNumber(value: unknown): number {
  return typeof value === 'number' ? value : Number.NaN;
}

/** True if a field is set. Skupper writes unset fields as empty values. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}
