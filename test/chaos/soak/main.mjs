// Runs the soak in this process, which must have its own mount namespace (unshare --mount). Prints its progress to standard error
// and its report as JSON.
//   node main.mjs OPTIONS      (the JSON of `SoakOptions` of run-soak.ts)
import { register } from 'node:module';

register('../../../bench/typescript-hooks.mjs', import.meta.url);
const { runSoak } = await import('./run-soak.ts');
process.stdout.write(JSON.stringify(await runSoak(JSON.parse(process.argv[2]))));
process.exit();
