// A hook of the module loader of Node.js, to import the harness of the tests, which is TypeScript. Node.js itself removes the types.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Resolves `./x.js` in a TypeScript file to `./x.ts`. */
export function resolve(specifier, context, next) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(fileURLToPath(source))) return next(source.href, context);
  }
  return next(specifier, context);
}
