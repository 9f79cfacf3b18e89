import fc from 'fast-check';
import type { Schema } from '../docs/matches-schema.js';

type Resolve = (reference: string) => Schema;

// Texts that have a meaning in a request, and texts that only look like them.
const WORDS = [
  ...['default', 'west', 'to-west', 'a.b', '-', 'A', 'x'.repeat(63), 'x'.repeat(64), 'east', 'e*', '?', ''],
  ...['15m', '1h30m', '0', '-1s', '9999999h', '2031-01-31T08:00:00Z'],
  ...['p256', 'rot13', 'true', '10.0.0.0/8', 'nul\u0000'],
  ...['../..', '%2e%2e', 'ü', '\u202e', '\ud800', 'a-code-of-sixteen', '__proto__', 'constructor'],
];

/** Texts of any kind; those of WORDS are more frequent. */
export function anyText(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.constantFrom(...WORDS),
    fc.string({ maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
}

/** Values that fit `schema`. Knows the keywords of the requests in openapi.yaml, and throws for any other type. */
export function valuesOf(schema: Schema, resolve: Resolve, known: readonly string[]): fc.Arbitrary<unknown> {
  if (typeof schema.$ref === 'string') return valuesOf(resolve(schema.$ref), resolve, known);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const types = [schema.type].flat();
  if (types.includes('null')) {
    const rest = types.filter((type) => type !== 'null');
    return fc.option(valuesOf({ ...schema, type: rest[0] }, resolve, known), { nil: null });
  }
  switch (types[0]) {
    case 'boolean':
      return fc.boolean();
    case 'integer': {
      const { minimum: min = 0, maximum: max = 1_000_000 } = schema as { minimum?: number; maximum?: number };
      return fc.oneof(fc.integer({ min, max }), fc.integer({ min, max: Math.min(max, min + 5) }));
    }
    case 'string':
      return textsOf(schema, known);
    case 'object': {
      const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
      const members = Object.fromEntries(
        properties.map(([name, inner]) => [name, valuesOf(inner, resolve, known)]),
      );
      return fc.record(members, { requiredKeys: (schema.required as string[] | undefined) ?? [] });
    }
    default:
      throw new Error(`no values of type ${String(schema.type)} are known here`);
  }
}

function textsOf(schema: Schema, known: readonly string[]): fc.Arbitrary<string> {
  if (schema.format === 'uuid') return fc.oneof(fc.constantFrom(...known), fc.uuid());
  if (schema.format === 'date-time')
    return fc
      .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString());
  const {
    minLength = 0,
    maxLength = 5_000,
    pattern,
  } = schema as { minLength?: number; maxLength?: number; pattern?: string };
  const shape = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const texts = fc.oneof(
    anyText(),
    fc.constantFrom('to-west', 'default', 'abcdefgh12345678', 'a'.repeat(64)),
  );
  return texts.filter(
    (text) =>
      text.length >= minLength && text.length <= maxLength && (shape === undefined || shape.test(text)),
  );
}

/** JSON of any shape, which hardly ever fits a schema. */
export function anyJson(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    anyText(),
    fc.constantFrom(null, [], {}, 0, -1, 1e300, true),
  );
}
