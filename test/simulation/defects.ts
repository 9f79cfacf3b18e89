import type { Plugin } from 'vitest/config';
import type { Invariant } from './invariants.js';
import { SQL_DEFECTS } from './sql-defects.js';

/** A deliberate defect: a text of a source file, and what replaces it. */
export interface Defect {
  readonly violates: Invariant;
  /** Path below `src`. */
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
}

const RECORDING = 'platforms/kubernetes/store/record-redemption.ts';

/** Shows that each invariant can fail. The simulation has to find each of them. */
export const DEFECTS: Readonly<Record<string, Defect>> = {
  ...SQL_DEFECTS,
  'the limit of a grant is compared with the count in its status': {
    violates: 'uses',
    file: RECORDING,
    text: 'grantRefusal({ ...grant, redemptions: slots.next }, recording.now)',
    replacement: 'grantRefusal(grant, recording.now)',
  },
  'the limits are not compared again after another replica was faster': {
    violates: 'uses',
    file: RECORDING,
    text: 'const refusal = refusalNow();',
    replacement: 'const refusal = isSealed ? undefined : refusalNow();',
  },
  'a Redemption that exists already counts as created': {
    violates: 'record',
    file: RECORDING,
    text: "if (!isApiError(error, 'already_exists')) throw error;",
    replacement: "if (!isApiError(error, 'already_exists')) throw error;\n    return true;",
  },
  'the write conflict of a renewal is ignored': {
    violates: 'record',
    file: 'platforms/kubernetes/store/renewals.ts',
    text: 'const patch = { metadata: { uid, resourceVersion }, status',
    replacement: 'const patch = { metadata: { uid }, status',
  },
  'the replay key is not looked up again after another replica was faster': {
    violates: 'replay',
    file: RECORDING,
    text: 'const found = await findReplay',
    replacement: 'const found = isSealed ? undefined : await findReplay',
  },
  'the grant is not read again after its slot was filled': {
    violates: 'revocation',
    file: RECORDING,
    text: 'await confirm(recording, attempt, deps)',
    replacement: "'filled' in attempt ? ('recorded' as const) : attempt",
  },
  'the grant is not read again after a replay was found': {
    violates: 'revocation',
    file: RECORDING,
    text: "if ('replayOf' in attempt) return refusal ?? attempt;",
    replacement: "if ('replayOf' in attempt) return attempt;",
  },
  'a lost response counts as a refusal': {
    violates: 'count',
    file: RECORDING,
    text: 'enqueue(() => fillSlot(recording, deps));',
    replacement:
      "enqueue(() => fillSlot(recording, deps).catch(() => ({ refused: 'grant_exhausted' as const })));",
  },
  'a grant that was deleted while its watch was broken stays in the cache': {
    violates: 'cache',
    file: 'platforms/kubernetes/grants/grant-index.ts',
    text: 'if (!listed.has(location.uid)) this.remove(location);',
    replacement: ';',
  },
  'a redemption that fails blocks the later ones of its grant': {
    violates: 'end',
    file: 'time/serial-queue.ts',
    text: 'this.#last = result.catch(() => undefined);',
    replacement: 'this.#last = result.catch(() => new Promise(() => {}));',
  },
};

/**
 * Loads a module that is imported with `?defect=NAME`, and each module that it imports in turn, as a copy with that defect.
 */
export function defectPlugin(): Plugin {
  return {
    name: 'defects',
    enforce: 'pre',
    async resolveId(source, importer) {
      const defect = defectOf(importer);
      if (defect === undefined || !source.startsWith('.')) return undefined;
      const resolved = await this.resolve(source, importer?.split('?')[0], { skipSelf: true });
      return resolved && `${resolved.id}?${new URLSearchParams({ defect })}`;
    },
    transform(code, id) {
      const { file, text, replacement } = DEFECTS[defectOf(id) ?? ''] ?? {};
      if (file === undefined || text === undefined || !id.includes(`/src/${file}?`)) return undefined;
      if (code.split(text).length !== 2)
        throw new Error(`${file} does not contain the text of the defect once`);
      return code.replace(text, () => replacement ?? '');
    },
  };
}

function defectOf(id: string | undefined): string | undefined {
  return new URLSearchParams(id?.split('?')[1]).get('defect') ?? undefined;
}
