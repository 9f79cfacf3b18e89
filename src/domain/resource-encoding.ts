/** A value in a resource: YAML's JSON schema without null. */
export type ResourceValue =
  | string
  | number
  | boolean
  | readonly ResourceValue[]
  | { readonly [key: string]: ResourceValue | undefined };

/** A resource as an object; undefined fields are omitted. */
export type ResourceFields = { readonly [key: string]: ResourceValue | undefined };

// JSON does not escape these characters, which are unprintable or line breaks in YAML 1.1.
const YAML_UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Returns `text` as a YAML double-quoted scalar on one line. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    YAML_UNPRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const PLAIN_KEY = /^[A-Za-z][A-Za-z0-9./-]*$/;
// YAML 1.1 reads these words as booleans and null, so they are never a plain key.
const YAML_11_WORD = /^(y|n|yes|no|on|off|true|false|null)$/i;

function encodeKey(key: string): string {
  return PLAIN_KEY.test(key) && !YAML_11_WORD.test(key) ? key : quote(key);
}

function encodeValue(value: ResourceValue, indent: string): string {
  if (typeof value === 'string') return ` ${quote(value)}\n`;
  if (typeof value === 'number' || typeof value === 'boolean') return ` ${value}\n`;
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []\n';
    // The first line of the item follows `- ` on the same line.
    return `\n${value.map((item) => `${indent}-${encodeValue(item, `${indent}  `).replace(/^\n +/, ' ')}`).join('')}`;
  }
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  if (entries.length === 0) return ' {}\n';
  return `\n${entries.map(([key, member]) => `${indent}${encodeKey(key)}:${encodeValue(member as ResourceValue, `${indent}  `)}`).join('')}`;
}

/**
 * Returns a YAML document, with its `---` line, that parsers of YAML 1.1 and 1.2 read alike: every string is quoted, and there
 * are no folded lines and no nulls. The order of keys is retained; undefined members are omitted.
 */
export function encodeResource(resource: ResourceFields): string {
  return `---${encodeValue(resource, '')}`;
}
