import { invalidValue } from './command-error.js';
import { parseJsonPath } from './json-path.js';

/** Formats of `-o`; undefined means text. */
export type OutputFormat = 'json' | 'yaml' | undefined;

/** Formats of `-o` of a listing: `wide` has more columns, `name` only the names. */
export const LISTING_FORMATS = ['wide', 'name', 'json', 'yaml', 'csv'] as const;

/** Prefix of the format that is a template of paths. */
const JSON_PATH = 'jsonpath=';

/** Format of `-o` of a listing. */
export type ListingFormat = (typeof LISTING_FORMATS)[number] | `${typeof JSON_PATH}${string}`;

/** Reads the value of `-o`; anything but json and yaml is a usage error. */
export function parseOutputFormat(value: string): 'json' | 'yaml' {
  if (value === 'json' || value === 'yaml') return value;
  throw invalidValue('--output', value, 'use json or yaml');
}

/** Reads the value of `-o` of a listing. Throws a CommandError for an unknown format or an invalid template. */
export function parseListingFormat(value: string): ListingFormat {
  const format = LISTING_FORMATS.find((name) => name === value);
  if (format) return format;
  const template = templateOf(value);
  if (template === undefined) {
    throw invalidValue('--output', value, 'use wide, name, json, yaml, csv or jsonpath={PATH}');
  }
  parseJsonPath(template);
  return value as ListingFormat;
}

/** The template of a `jsonpath=` format; undefined for another format. */
export function templateOf(format: string | undefined): string | undefined {
  return format?.startsWith(JSON_PATH) ? format.slice(JSON_PATH.length) : undefined;
}
