import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

/** The recorded sites: `west` accepts links, `east` has redeemed one. */
export const RECORDED_SITES = resolve(import.meta.dirname, '../../fixtures/system-site');

const STOCK_REDEEMER = resolve(import.meta.dirname, 'stock-redeemer.mjs');

/** A namespace below a Skupper home of a test. */
export interface SystemSiteCopy {
  readonly home: string;
  readonly namespace: string;
  /** A path below the namespace's directory. */
  path(...names: readonly string[]): string;
  /** What a YAML file of `input/resources` holds. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of many shapes.
  input(file: string): any;
  /** Names in `input/resources`, sorted. */
  inputNames(): string[];
}

/** Copies a recorded site into a namespace of `home`. */
export function copySite(recorded: 'east' | 'west', home: string, namespace: string): SystemSiteCopy {
  const directory = join(home, 'namespaces', namespace);
  mkdirSync(join(home, 'namespaces'), { recursive: true });
  cpSync(join(RECORDED_SITES, recorded), directory, { recursive: true });
  const path = (...names: readonly string[]) => join(directory, ...names);
  return {
    home,
    namespace,
    path,
    input: (file) => parse(readFileSync(path('input', 'resources', file), 'utf8')),
    inputNames: () => readdirSync(path('input', 'resources')).sort(),
  };
}

/** The permission bits of a file or a directory. */
export function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

/**
 * Installs a `skupper` in a directory for PATH. It appends its arguments to `calls`, then loads the site as Skupper does: it
 * copies the Links and Secrets of `input/resources` to `runtime/resources`, and redeems each AccessToken of `input/resources`,
 * at each call again. After `fail(code)` it exits with this code and loads nothing.
 */
export function installFakeSkupper(
  directory: string,
  site: SystemSiteCopy,
): { readonly path: string; calls(): string[]; fail(code: number): void } {
  mkdirSync(directory, { recursive: true });
  const calls = join(directory, 'calls');
  const exitCode = join(directory, 'exit-code');
  writeFileSync(calls, '');
  const program = join(directory, 'skupper');
  writeFileSync(
    program,
    `#!/bin/sh
echo "$@" >> '${calls}'
if [ -s '${exitCode}' ]; then exit "$(cat '${exitCode}')"; fi
for file in '${site.path('runtime', 'resources')}'/Link-*.yaml '${site.path('runtime', 'resources')}'/Secret-*.yaml; do
  rm -f "$file"
done
for file in '${site.path('input', 'resources')}'/Link-*.yaml '${site.path('input', 'resources')}'/Secret-*.yaml; do
  if [ -e "$file" ]; then cp "$file" '${site.path('runtime', 'resources')}'/; fi
done
exec '${process.execPath}' '${STOCK_REDEEMER}' '${site.path('input', 'resources')}'
`,
  );
  chmodSync(program, 0o755);
  return {
    path: directory,
    calls: () => readFileSync(calls, 'utf8').split('\n').filter(Boolean),
    fail: (code) => writeFileSync(exitCode, code === 0 ? '' : String(code)),
  };
}
