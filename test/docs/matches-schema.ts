/** A JSON Schema as `openapi.yaml` writes them. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

type Resolve = (reference: string) => Schema;

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: (value) => Array.isArray(value),
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};
const FORMATS: Readonly<Record<string, RegExp>> = {
  'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};
const IGNORED_KEYWORDS = new Set(['description', 'contentEncoding', 'default', 'example']);

/**
 * Returns how `value` violates `schema`, as sentences; empty if it matches. Supports the keywords of `openapi.yaml`, and throws
 * for any other keyword, so that none is ignored.
 */
export function schemaProblems(value: unknown, schema: Schema, resolve: Resolve, at = 'it'): string[] {
  const problems: string[] = [];
  const isObject = TYPES.object?.(value) ?? false;
  const members = isObject ? (value as Record<string, unknown>) : {};
  const check = (holds: boolean, what: string) => {
    if (!holds) problems.push(`${at} ${what}`);
  };
  for (const [keyword, wanted] of Object.entries(schema)) {
    if (IGNORED_KEYWORDS.has(keyword)) continue;
    if (keyword === '$ref') problems.push(...schemaProblems(value, resolve(String(wanted)), resolve, at));
    else if (keyword === 'type')
      check(
        [wanted].flat().some((type) => TYPES[String(type)]?.(value)),
        `is no ${wanted}`,
      );
    else if (keyword === 'const') check(value === wanted, `is not ${wanted}`);
    else if (keyword === 'enum') check((wanted as unknown[]).includes(value), `is none of ${wanted}`);
    else if (keyword === 'minimum') check(Number(value) >= Number(wanted), `is less than ${wanted}`);
    else if (keyword === 'maximum') check(Number(value) <= Number(wanted), `is more than ${wanted}`);
    else if (keyword === 'pattern')
      check(new RegExp(String(wanted), 'u').test(String(value)), `does not match ${wanted}`);
    else if (keyword === 'minLength')
      check(String(value).length >= Number(wanted), `is shorter than ${wanted}`);
    else if (keyword === 'maxLength')
      check(String(value).length <= Number(wanted), `is longer than ${wanted}`);
    else if (keyword === 'format')
      check(value === null || (FORMATS[String(wanted)]?.test(String(value)) ?? false), `is no ${wanted}`);
    else if (keyword === 'required')
      for (const key of wanted as string[]) check(Object.hasOwn(members, key), `has no ${key}`);
    else if (keyword === 'properties') {
      for (const [key, inner] of Object.entries(wanted as Record<string, Schema>)) {
        if (Object.hasOwn(members, key))
          problems.push(...schemaProblems(members[key], inner, resolve, `${at}.${key}`));
      }
    } else if (keyword === 'additionalProperties') {
      const known = Object.keys((schema.properties as object | undefined) ?? {});
      for (const key of Object.keys(members).filter((member) => !known.includes(member))) {
        if (wanted === false) check(false, `has ${key}, which is not described`);
        else problems.push(...schemaProblems(members[key], wanted as Schema, resolve, `${at}.${key}`));
      }
    } else if (keyword === 'items') {
      for (const [index, item] of ((value as unknown[]) ?? []).entries()) {
        problems.push(...schemaProblems(item, wanted as Schema, resolve, `${at}[${index}]`));
      }
    } else throw new Error(`the keyword ${keyword} is not known here`);
  }
  return problems;
}
