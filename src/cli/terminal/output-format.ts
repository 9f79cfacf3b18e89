import { invalidValue } from './command-error.js';

/** Formats of `-o`; undefined means text. */
export type OutputFormat = 'json' | 'yaml' | undefined;

/** Formats of `-o` of a listing: `wide` has more columns, `name` only the names. */
export const LISTING_FORMATS = ['wide', 'name', 'json', 'yaml', 'csv'] as const;

/** Format of `-o` of a listing. */
export type ListingFormat = (typeof LISTING_FORMATS)[number];

/** Reads the value of `-o`; anything but json and yaml is a usage error. */
export function parseOutputFormat(value: string): 'json' | 'yaml' {
  if (value === 'json' || value === 'yaml') return value;
  throw invalidValue('--output', value, 'use json or yaml');
}

/** Reads the value of `-o` of a listing. Throws a CommandError for an unknown format. */
export function parseListingFormat(value: string): ListingFormat {
  const format = LISTING_FORMATS.find((name) => name === value);
  if (format) return format;
  throw invalidValue('--output', value, 'use wide, name, json, yaml or csv');
}
