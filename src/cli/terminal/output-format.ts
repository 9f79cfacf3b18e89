import { CommandError } from './command-error.js';

/** Formats of `-o`; undefined means text. */
export type OutputFormat = 'json' | 'yaml' | undefined;

/** Reads the value of `-o`; anything but json and yaml is a usage error. */
export function parseOutputFormat(value: string): 'json' | 'yaml' {
  if (value === 'json' || value === 'yaml') return value;
  throw new CommandError(`output cannot be "${value}"`, { exitCode: 2, hint: 'use json or yaml' });
}

/** Reads the value of `-o` of a listing; anything but json, yaml and csv is a usage error. */
export function parseListingFormat(value: string): 'json' | 'yaml' | 'csv' {
  if (value === 'json' || value === 'yaml' || value === 'csv') return value;
  throw new CommandError(`output cannot be "${value}"`, { exitCode: 2, hint: 'use json, yaml or csv' });
}
