import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/** Loads the package `yaml`, whose seventy modules most commands, completions and services do not need. */
export const yaml = (): typeof import('yaml') => load('yaml');
