import type { Plugin } from 'vitest/config';
import type { Invariant } from './invariants.js';

/** A deliberate defect: a text of a source file, and what replaces it. */
export interface Defect {
  readonly violates: Invariant;
  /** Path below `src/platforms/kubernetes`. */
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
}

/** Shows that each invariant can fail. The simulation has to find each of them. */
export const DEFECTS: Readonly<Record<string, Defect>> = {
  'a Redemption that exists already counts as created': {
    violates: 'record',
    file: 'store/record-redemption.ts',
    text: "    if (!isApiError(error, 'already_exists')) throw error;",
    replacement: "    if (!isApiError(error, 'already_exists')) throw error;\n    return true;",
  },
  'the grant is not read again after its slot was filled': {
    violates: 'revocation',
    file: 'store/record-redemption.ts',
    text: 'await confirm(recording, attempt, deps)',
    replacement: "'filled' in attempt ? 'recorded' as const : attempt",
  },
  'the grant is not read again after a replay was found': {
    violates: 'revocation',
    file: 'store/redemptions.ts',
    text: '!(await revocationRefusal(account, replay.jti, parts))',
    replacement: 'true',
  },
};

/**
 * Gives a module that is imported with `?defect=NAME`, and each module that it imports in turn, a copy of its own with that defect.
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
      if (file === undefined || text === undefined || !id.includes(`/src/platforms/kubernetes/${file}?`))
        return undefined;
      if (code.split(text).length !== 2)
        throw new Error(`${file} does not contain the text of the defect once`);
      return code.replace(text, () => replacement ?? '');
    },
  };
}

function defectOf(id: string | undefined): string | undefined {
  return new URLSearchParams(id?.split('?')[1]).get('defect') ?? undefined;
}
