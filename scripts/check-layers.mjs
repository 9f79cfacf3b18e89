// Checks the imports of src/ and console/src/ against .dependency-cruiser.cjs, and the uses of globals in src/. Exits 1 if a
// rule is broken, or if dependency-cruiser has skipped a module.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { cruise } from 'dependency-cruiser';
import extractTypeScriptConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const root = resolve(import.meta.dirname, '..');
process.chdir(root);

const { forbidden, options } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');

/** Forbidden uses of globals, and the files in which they are allowed. */
const GLOBAL_RULES = [
  {
    name: 'only-config-reads-the-environment',
    pattern: /\bprocess\s*(\.|\[['"`])\s*env\b/,
    allowed: ['src/config/command-context.ts'],
  },
  {
    // The signal may be garbage-collected before its time-out: see src/time/abort.ts.
    name: 'no-composite-signals',
    pattern: /\bAbortSignal\s*\.\s*any\b/,
    allowed: [],
  },
  {
    name: 'only-main-exits',
    pattern: /\bprocess\s*(\.|\[['"`])\s*(exit|exitCode|abort|reallyExit)\b/,
    allowed: ['src/main.ts'],
  },
  {
    // The patterns above do not find `import { env } from 'node:process'` and `const { env } = process`.
    name: 'process-by-name-only',
    pattern: /from\s+['"](node:)?process['"]|[=(,?]\s*process\s*[;,)]/,
    allowed: ['src/config/command-context.ts'],
  },
];

const FOLDERS = ['src', 'console/src'];
const sources = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: true }).map((path) => join(folder, path)),
)
  .filter((path) => /\.tsx?$/.test(path))
  .sort();

const { output } = await cruise(FOLDERS, { ...options, validate: true, ruleSet: { forbidden } }, undefined, {
  tsConfig: extractTypeScriptConfig('tsconfig.json'),
});
const problems = output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} imports ${to}`);

const cruised = new Set(output.modules.map(({ source }) => source));
const missed = sources.filter((path) => !cruised.has(path));
if (sources.length === 0) problems.push('no-modules: there is no TypeScript');
for (const path of missed) problems.push(`not-cruised: ${path}`);

for (const path of sources.filter((source) => source.startsWith('src/'))) {
  const text = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '');
  for (const { name, pattern, allowed } of GLOBAL_RULES) {
    if (pattern.test(text) && !allowed.includes(path)) problems.push(`${name}: ${path}`);
  }
}

for (const problem of problems) console.error(problem);
const verdict = problems.length === 0 ? 'no rule broken' : `${problems.length} broken`;
console.log(`layers: ${sources.length - missed.length} of ${sources.length} modules, ${verdict}`);
if (problems.length > 0) process.exitCode = 1;
