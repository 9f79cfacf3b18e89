// Writes the types of the admin API, src/domain/generated/admin-api.d.ts, from openapi.yaml. With --check it writes
// nothing and exits 1 if the types do not match openapi.yaml.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const TYPES = new URL('../src/domain/generated/admin-api.d.ts', import.meta.url);
const HEAD = '// Written by scripts/admin-client.mjs from openapi.yaml.\n';

const ast = await openapiTS(new URL('../openapi.yaml', import.meta.url), { silent: true });
const wanted = HEAD + astToString(ast);
if (existsSync(TYPES) && readFileSync(TYPES, 'utf8') === wanted) {
  console.log('src/domain/generated/admin-api.d.ts is up to date');
} else if (process.argv.includes('--check')) {
  console.error(
    'src/domain/generated/admin-api.d.ts does not match openapi.yaml: run node scripts/admin-client.mjs',
  );
  process.exitCode = 1;
} else {
  writeFileSync(TYPES, wanted);
  console.log('src/domain/generated/admin-api.d.ts was written');
}
