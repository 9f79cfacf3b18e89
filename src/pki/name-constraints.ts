import { EXTENSION } from './certificate-extensions.js';
import type { CertificateFields } from './certificate-fields.js';
import { DerReader, TAG } from './der.js';
import { COMMON_NAME } from './distinguished-name.js';

const DIRECTORY_NAME = 0xa4;
const URI = 0x86;

/**
 * Why the nameConstraints (RFC 5280 §4.2.1.10) of a CA forbid the certificates that are issued for links, whose subject is
 * a common name alone and which have a URI `urn:uuid:`; undefined if they do not. Critical or not, since verifiers judge
 * both.
 */
export function nameConstraintProblem(fields: CertificateFields): string | undefined {
  const extension = fields.extensions.get(EXTENSION.nameConstraints);
  if (!extension) return undefined;
  const constraints = new DerReader(extension.value).enter(TAG.sequence);
  const permitted = readSubtrees(constraints.optional(0xa0));
  const excluded = readSubtrees(constraints.optional(0xa1));
  if ([...permitted, ...excluded].some(({ base }) => base.tag === URI))
    return 'its nameConstraints name URIs by host, which the URN in certificates of links has not';
  const directories = permitted.filter(({ base }) => base.tag === DIRECTORY_NAME);
  const isPermitted = directories.length === 0 || directories.some(permitsEverything);
  const isExcluded = excluded.some((subtree) => subtree.base.tag === DIRECTORY_NAME && mayExclude(subtree));
  return isPermitted && !isExcluded && !directories.some(({ isBounded }) => isBounded)
    ? undefined
    : 'its nameConstraints forbid a subject that is a common name alone, as certificates of links have';
}

interface Subtree {
  /** The GeneralName that it starts from. */
  readonly base: { readonly tag: number; readonly content: Uint8Array };
  /** True for one with a minimum or maximum, which no verifier accepts. */
  readonly isBounded: boolean;
}

function readSubtrees(content: Uint8Array | undefined): Subtree[] {
  const subtrees: Subtree[] = [];
  const list = new DerReader(content ?? Buffer.alloc(0));
  while (!list.done) {
    const subtree = list.enter(TAG.sequence);
    const base = subtree.read();
    subtrees.push({ base, isBounded: !subtree.done });
  }
  return subtrees;
}

function permitsEverything({ base }: Subtree): boolean {
  return partsOf(base.content).length === 0;
}

/** Whether some subject of one common name is below this directory name. */
function mayExclude({ base, isBounded }: Subtree): boolean {
  const parts = partsOf(base.content);
  const [types = []] = parts;
  return isBounded || parts.length === 0 || (parts.length === 1 && types.join() === COMMON_NAME);
}

/** The attribute types of each relative name in a directoryName. */
function partsOf(directoryName: Uint8Array): string[][] {
  const parts: string[][] = [];
  const sets = new DerReader(directoryName).enter(TAG.sequence);
  while (!sets.done) {
    const types: string[] = [];
    const attributes = sets.enter(TAG.set);
    while (!attributes.done) types.push(attributes.enter(TAG.sequence).readOid());
    parts.push(types);
  }
  return parts;
}
