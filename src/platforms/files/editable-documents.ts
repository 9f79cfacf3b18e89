import { isDeepStrictEqual } from 'node:util';
import type { Document } from 'yaml';
import { asMapping, isMapping, parseYamlDocuments } from '../../files/yaml-documents.js';

const LIMITS = { documents: 100 };

/** The fields that a resource must have; undefined ones are ignored. */
type Fields = { readonly [key: string]: unknown };

/** Parses a YAML stream into documents that can be changed in place. Throws as `parseYamlMappings` does. */
export function editableDocuments(text: string): Document[] {
  return parseYamlDocuments(text, LIMITS);
}

/** Encodes documents as a YAML stream. Added strings are quoted, so that parsers of YAML 1.1 and 1.2 read the same values. */
export function documentsText(documents: readonly Document[]): string {
  const texts = documents.map((document) => {
    if (document.directives) document.directives.docStart = true;
    return document.toString({ lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });
  });
  return texts.join('');
}

/**
 * Returns the text of one resource with `fields` set. Other fields and comments are retained; equal values change nothing.
 */
export function withFields(text: string, fields: Fields): string {
  const [document] = editableDocuments(text);
  if (!document) return text;
  return setFields(document, [], fields, document.toJS()) ? documentsText([document]) : text;
}

/** Sets the `fields` under `path` that differ from the current `values` there; returns true if it set any. */
export function setFields(
  document: Document,
  path: readonly string[],
  fields: Fields,
  values: unknown,
): boolean {
  let isChanged = false;
  for (const [key, value] of Object.entries(fields)) {
    const current = asMapping(values)[key];
    if (value === undefined || isDeepStrictEqual(current, value)) continue;
    if (isMapping(value) && isMapping(current)) {
      isChanged = setFields(document, [...path, key], value, current) || isChanged;
      continue;
    }
    // Labels may have names such as `on`, which YAML 1.1 reads as a boolean unless they are quoted.
    const name = document.createNode(key);
    name.type = 'QUOTE_DOUBLE';
    document.setIn([...path, name], value);
    isChanged = true;
  }
  return isChanged;
}
