import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const SOURCE = resolve(import.meta.dirname, '../../../src');
const VALUE_IMPORT = /^(?:import|export) (?!type )(?:[^;]*? from )?'(\.[^']+)\.js';$/gm;

/** The modules below src that importing `file` loads, as paths without their extension. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  const name = relative(SOURCE, file).replace(/\.ts$/, '');
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(VALUE_IMPORT)) {
    loadedBy(`${join(dirname(file), target)}.ts`, seen);
  }
  return seen;
}

it.each([
  ['token/token-redeem', 'compose/token-redemption'],
  ['token/token-inspect', 'compose/token-redemption'],
  ['token/token-mint', 'redemption/accepting/mint-token'],
])(
  '%s loads neither a store, nor the HTTP service, nor the commands and compositions that open them',
  (command, expected) => {
    const loaded = [...loadedBy(join(SOURCE, 'cli', `${command}.ts`))];
    expect(loaded).toContain(expected);
    const accepting =
      /^(cli\/(grant\/grant-create$|session\/store-session)|compose\/(open-store|runtime)|http\/|stores\/|redemption\/accepting\/create-grant)/;
    expect(loaded.filter((name) => accepting.test(name))).toEqual([]);
  },
);
